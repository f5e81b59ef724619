package api_test

import (
	"testing"

	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account"
	papers "cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/interview/attachment"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// desk is a project of somebody's team with everything a project can have.
type desk struct {
	project  project.ID
	decision journey.DecisionID
	comment  papers.CommentID
	proposal papers.ProposalID

	question      interview.QuestionID
	contradiction interview.ContradictionID
	attachment    attachment.ID

	option option.ID
	wish   option.WishID
}

// desk returns the project of a person's team, made at the first call by the person, or
// for a viewer by an owner of the team.
func (w *world) desk(t *testing.T, p person) desk {
	t.Helper()
	if made, ok := w.desks.Load(p.actor.Workspace); ok {
		d, _ := made.(desk) //nolint:errcheck // nothing else is stored
		return d
	}
	actor := p.actor
	actor.Role = account.Owner
	ctx := t.Context()
	begun, err := w.interviews.Begin(ctx, actor, project.Draft{Idea: "A calendar for a dog groomer."})
	if err != nil {
		t.Fatal(err)
	}
	d := desk{project: begun.Project, question: begun.Current, contradiction: id.Mint[interview.ContradictionID](id.NewSource(w.clock.Now))}
	if _, err := w.db.Exec(ctx, `
INSERT INTO contradiction (id, project_id, first, second, first_quote, second_quote, clash, at)
VALUES ($1, $2, 'idea', $3, 'A calendar', 'No calendar', 'One says a calendar, the other none.', $4)`, d.contradiction, d.project, d.question, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	f, err := w.interviews.Attach(ctx, actor, d.project, attachment.File{Name: "week.txt", Content: []byte("Monday: poodles.")})
	if err != nil {
		t.Fatal(err)
	}
	d.attachment = f.ID
	brief := papers.Brief{Problem: "Calls.", Value: "Quiet.", Assumptions: []papers.Assumption{{Text: "One groomer."}}}
	w.write(t, actor, d.project, brief)
	_, err = w.documents.Edit(ctx, actor, d.project, papers.BriefKind, papers.Edit{
		Place: papers.ParsePlace("problem"), Value: []byte(`"Many calls."`), Base: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.proposal = w.write(t, actor, d.project, papers.Brief{Problem: "The telephone.", Value: "Quiet."}).Proposal.ID
	c, err := w.documents.Comment(ctx, actor, d.project, papers.BriefKind, papers.Remark{Text: "Really?"})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := w.journeys.Open(ctx, actor, d.project, journey.Ask{Key: "q", Kind: journey.Question, Question: "Free or paid?"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.journeys.DecideNow(ctx, actor, d.project, journey.Ask{Kind: journey.Direction},
		journey.Verdict{Key: "d", Choice: journey.Proceed}); err != nil {
		t.Fatal(err)
	}
	d.comment, d.decision = c.ID, asked.ID
	d.option = w.wayToBuild(t, actor, d.project)
	wished, err := w.options.WishFor(ctx, actor, d.project, "A reminder by mail.")
	if err != nil {
		t.Fatal(err)
	}
	d.wish = wished.ID
	w.desks.Store(p.actor.Workspace, d)
	return d
}

// write stores a document as a run does.
func (w *world) write(t *testing.T, actor account.Actor, p project.ID, c papers.Content) papers.Outcome {
	t.Helper()
	var out papers.Outcome
	err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) (err error) {
		out, err = w.documents.FinishTx(t.Context(), tx, actor, p, papers.Draft{Content: c})
		if err != nil {
			return err
		}
		_, err = w.journeys.AdvanceTx(t.Context(), tx, actor, p, journey.Brief,
			journey.Cause{Kind: journey.ByBrief, Object: "brief@1", Correlation: "run_1"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wayToBuild stores a scope and one way to build it, as a run does.
func (w *world) wayToBuild(t *testing.T, actor account.Actor, p project.ID) option.ID {
	t.Helper()
	w.write(t, actor, p, papers.Scope{Features: []papers.Feature{{
		Name: "Bookings", Priority: papers.Must, Criteria: []papers.Criterion{{Text: "An owner books a free hour.", Must: true}},
	}}})
	ids := id.NewSource(w.clock.Now)
	set, one := id.Mint[option.SetID](ids), id.Mint[option.ID](ids)
	for _, sql := range []string{
		`INSERT INTO option_set (id, project_id, number, compare, brief, scope, state, run, asked_at, changed_at)
SELECT $1, $2, 1, false, (SELECT current FROM document WHERE project_id = $2 AND kind = 'brief'), 1, 'written', 'run_1', $4, $4 WHERE $3 <> ''`,
		`INSERT INTO build_option (id, project_id, set_id, place, recommended, content)
SELECT $3, $2, $1, 0, true, jsonb_build_object('name', 'All of it', 'what_you_get', '["Bookings"]'::jsonb, 'what_is_left_out', '[]'::jsonb,
    'what_could_go_wrong', '["Nothing known"]'::jsonb, 'because', 'It is all.', 'risk_level', 'low',
    'technical', '{"approach": "One program.", "stack": "go", "trade_offs": []}'::jsonb,
    'covers', (SELECT jsonb_agg(c->'id') FROM document_version v, jsonb_array_elements(v.content->'features') f, jsonb_array_elements(f->'criteria') c
        WHERE v.project_id = $2 AND v.kind = 'scope')) WHERE $4::timestamptz IS NOT NULL`,
	} {
		if _, err := w.db.Exec(t.Context(), sql, set, p, one, w.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return one
}
