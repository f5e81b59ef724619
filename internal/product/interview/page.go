package interview

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/document"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/meter/paid"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// scopeSection is the scope, which is written in one go behind the sections of the brief.
const scopeSection = "scope"

// briefSections are the sections of the brief in the order in which they are written;
// the deeper ones only where the founder went deeper.
func briefSections(d Depth) []string {
	all := []string{
		"problem", "target_user", "value", "how_it_works_in_one_paragraph", "key_constraints", "assumptions", "risks", "cheapest_test",
	}
	if d != Quick {
		all = append(all, "differentiation", "money", "market_context", "competition", "scalability")
	}
	return all
}

// isList reports whether a section of the brief is a list.
func isList(section string) bool {
	return section == "key_constraints" || section == "assumptions" || section == "risks"
}

// put puts an answer into its section of a brief.
func put(b *document.Brief, section string, s sectionAnswer) {
	switch section {
	case "key_constraints":
		b.Constraints = s.Lines
	case "risks":
		b.Risks = s.Lines
	case "assumptions":
		for _, l := range s.Lines {
			b.Assumptions = append(b.Assumptions, document.Assumption{Text: l})
		}
	default:
		*map[string]*string{
			"problem": &b.Problem, "target_user": &b.TargetUser, "value": &b.Value, "how_it_works_in_one_paragraph": &b.HowItWorks,
			"cheapest_test": &b.CheapestTest, "differentiation": &b.Differentiation, "money": &b.Money,
			"market_context": &b.MarketContext, "competition": &b.Competition, "scalability": &b.Scalability,
		}[section] = s.Text
	}
}

// kinds are the documents a run writes.
func (o order) kinds() []document.Kind {
	if len(o.Kinds) > 0 {
		return o.Kinds
	}
	return []document.Kind{document.BriefKind, document.ScopeKind}
}

// sections are the parts of the page a run writes, in order.
func (o order) sections(d Depth) []string {
	var all []string
	if slices.Contains(o.kinds(), document.BriefKind) {
		all = briefSections(d)
	}
	if slices.Contains(o.kinds(), document.ScopeKind) {
		all = append(all, scopeSection)
	}
	return all
}

// Section is a part of the page that is finished while others are still written.
type Section struct {
	Name       string // of the brief, or scope
	Content    document.Content
	Confidence *document.Confidence // nil: none is known
	At         time.Time
}

// storedSection is a section as it is kept.
type storedSection struct {
	Section string
	Answer  json.RawMessage
	At      time.Time
}

const (
	getSections   = `SELECT section, answer, at FROM page_section WHERE project_id = $1 AND run = $2 ORDER BY at, section`
	insertSection = `INSERT INTO page_section (project_id, run, section, answer, at) VALUES ($1, $2, $3, $4, $5)`
	// What a run finished is not written again by the one that takes over from it.
	inherit = `
INSERT INTO page_section (project_id, run, section, answer, at)
SELECT project_id, $3, section, answer, at FROM page_section WHERE project_id = $1 AND run = $2`
	forgetOthers = `DELETE FROM page_section WHERE project_id = $1 AND run <> $2`
)

func storedSections(ctx context.Context, q querier, p project.ID, run string) ([]storedSection, error) {
	found, err := q.Query(ctx, getSections, p, run)
	if err != nil {
		return nil, fmt.Errorf("ask for sections: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[storedSection])
	if err != nil {
		return nil, fmt.Errorf("read sections: %w", err)
	}
	return all, nil
}

func sectionsOf(ctx context.Context, q querier, p project.ID, run string) ([]Section, error) {
	kept, err := storedSections(ctx, q, p, run)
	if err != nil {
		return nil, err
	}
	all := make([]Section, 0, len(kept))
	for _, k := range kept {
		one := Section{Name: k.Section, At: k.At}
		if k.Section == scopeSection {
			var s scopeAnswer
			if err := json.Unmarshal(k.Answer, &s); err != nil {
				return nil, fmt.Errorf("read scope: %w", err)
			}
			one.Content = s.scope()
		} else {
			var s sectionAnswer
			if err := json.Unmarshal(k.Answer, &s); err != nil {
				return nil, fmt.Errorf("read %s: %w", k.Section, err)
			}
			var b document.Brief
			put(&b, k.Section, s)
			one.Content = b
			if c, ok := s.confidence(); ok {
				one.Confidence = &c
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// begin takes the interview over for a run that writes the page.
func (i *Interviews) begin(ctx context.Context, w *work) (flow.Outcome, error) {
	if w.order.Start > 0 && w.row.Run != string(w.node.Run) {
		return flow.Done(nil), nil
	}
	_, err := flow.Step(ctx, w.node, "begin", func(context.Context) (bool, error) { return true, nil }, func(c *flow.Commit, _ bool) error {
		c.Tx(func(ctx context.Context, tx pgx.Tx) error { return i.beginTx(ctx, tx, w) })
		return nil
	})
	if err != nil {
		return flow.Outcome{}, err
	}
	i.cfg.Projects.Wake(w.project.ID)
	return flow.Go(flow.Next{Name: nodeSection, Input: 0}), nil
}

// beginTx says that the run writes the page now, unless another has overtaken it.
func (i *Interviews) beginTx(ctx context.Context, tx pgx.Tx, w *work) error {
	run, p := string(w.node.Run), w.project.ID
	if _, err := i.cfg.Projects.LockTx(ctx, tx, w.actor, p); err != nil {
		return err
	}
	r, err := rowOf(ctx, tx, p)
	if err != nil {
		return err
	}
	if w.order.Start > 0 && r.Run != run {
		return errOvertaken
	}
	for _, k := range w.order.kinds() {
		if err := i.cfg.Documents.BeginTx(ctx, tx, w.actor, p, k, run); err != nil { //nolint:unqueryvet // begins a document, not a transaction
			return err
		}
	}
	if w.order.Start == 0 { // a decision or a document asked for it
		r.Run, r.RunRevision, r.Round = run, r.Revision, max(r.Round, 1)
	}
	r.State, r.FailedAt, r.Reason, r.Trouble = Writing, "", "", ""
	if _, err := tx.Exec(ctx, forgetOthers, p, run); err != nil {
		return fmt.Errorf("forget sections: %w", err)
	}
	return i.saveTx(ctx, tx, p, r, GoesOn, told{State: Writing})
}

// section writes one section, keeps it and goes on with the next.
func (i *Interviews) section(ctx context.Context, w *work) (flow.Outcome, error) {
	var at int
	if err := w.node.Input(&at); err != nil {
		return flow.Outcome{}, err
	}
	if w.row.Run != string(w.node.Run) {
		return flow.Done(nil), nil
	}
	all := w.order.sections(w.row.Depth)
	if at >= len(all) {
		return flow.Go(flow.Next{Name: nodeFinish}), nil
	}
	next := flow.Go(flow.Next{Name: nodeSection, Input: at + 1})
	kept, err := storedSections(ctx, i.cfg.DB, w.project.ID, w.row.Run)
	if err != nil {
		return flow.Outcome{}, err
	}
	if slices.ContainsFunc(kept, func(k storedSection) bool { return k.Section == all[at] }) {
		return next, nil
	}
	if all[at] == scopeSection {
		_, err = ask(ctx, i, w, paid.Question[scopeAnswer]{
			Step: "scope", Role: meter.Writer, Effort: llm.HighEffort,
			System: i.texts.scoper, Prompt: i.texts.page(w, scopeSection, kept), Form: i.forms.scope,
			KeepTx: func(ctx context.Context, tx pgx.Tx, s scopeAnswer) error {
				return i.keepSection(ctx, tx, w, scopeSection, s)
			},
		})
		return next, err
	}
	_, err = ask(ctx, i, w, paid.Question[sectionAnswer]{
		Step: "brief/" + all[at], Role: meter.Writer, Effort: llm.HighEffort,
		System: i.texts.writer, Prompt: i.texts.page(w, all[at], kept), Form: i.forms.section, Rule: written(i.cfg.Documents, all[at], w.said()),
		KeepTx: func(ctx context.Context, tx pgx.Tx, s sectionAnswer) error {
			return i.keepSection(ctx, tx, w, all[at], s)
		},
	})
	return next, err
}

func (i *Interviews) keepSection(ctx context.Context, tx pgx.Tx, w *work, section string, v any) error {
	return i.changeTx(ctx, tx, w, func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error) {
		raw, err := json.Marshal(v)
		if err != nil {
			return "", told{}, fmt.Errorf("write %s: %w", section, err)
		}
		if _, err := tx.Exec(ctx, insertSection, w.project.ID, w.node.Run, section, raw, i.cfg.Clock.Now()); err != nil {
			return "", told{}, fmt.Errorf("store %s: %w", section, err)
		}
		return Wrote, told{Section: section, State: r.State}, nil
	})
}

// said is all the founder stands behind: what numbers of the page may come from.
func (w *work) said() string {
	var s strings.Builder
	s.WriteString(w.project.Idea + "\n" + w.order.Words + "\n" + w.before + "\n" + w.fixed.text() + "\n")
	for _, f := range w.files {
		s.WriteString(f.text + "\n")
	}
	for _, q := range w.asked {
		switch {
		case q.Answer == nil:
		case q.Answer.Ours:
			s.WriteString(q.Text + "\n" + q.Assumes + "\n")
		default:
			s.WriteString(q.Text + "\n")
		}
	}
	return s.String()
}

// finish makes documents of the sections and lets the project move on.
func (i *Interviews) finish(ctx context.Context, w *work) (flow.Outcome, error) {
	err := i.change(ctx, w, "finish", func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error) {
		kept, err := storedSections(ctx, tx, w.project.ID, r.Run)
		if err != nil {
			return "", told{}, err
		}
		drafts, err := w.drafts(kept)
		if err != nil {
			return "", told{}, err
		}
		for _, d := range drafts {
			if err := i.finishTx(ctx, tx, w, d); err != nil {
				return "", told{}, err
			}
		}
		r.State, r.PageRevision = Written, r.RunRevision
		// The page is whole with ways to build at its foot. A queue that is full does not
		// undo it: then the founder asks for them.
		ways := w.project.Run(project.RunWriteOptions, w.actor.User, string(w.node.Run)+"/options", struct{}{})
		if _, err := i.cfg.Runs.StartTx(ctx, tx, ways); err != nil && !fault.Is(err, fault.Unavailable) {
			return "", told{}, err
		}
		return Done, told{State: Written}, nil
	})
	return flow.Done(nil), err
}

func (i *Interviews) finishTx(ctx context.Context, tx pgx.Tx, w *work, d document.Draft) error {
	out, err := i.cfg.Documents.FinishTx(ctx, tx, w.actor, w.project.ID, d)
	if err != nil || out.Version == nil {
		return err
	}
	name := fmt.Sprintf("%s@%d", out.Version.Kind, out.Version.Number)
	if w.order.Decision != "" {
		if err := i.cfg.Journeys.AddEffectTx(ctx, tx, w.project.ID, w.order.Decision, journey.Effect{Kind: journey.WroteVersion, Object: name}); err != nil {
			return err
		}
	}
	if out.Version.Kind != document.BriefKind {
		return nil
	}
	cause := journey.Cause{Kind: journey.ByBrief, Object: name, Correlation: string(w.node.Run)}
	_, err = i.cfg.Journeys.AdvanceTx(ctx, tx, w.actor, w.project.ID, journey.Brief, cause)
	return err
}

// drafts makes the documents of finished sections. What was left to us stands first on
// the list of what we assumed, with its question.
func (w *work) drafts(kept []storedSection) ([]document.Draft, error) {
	brief := document.Draft{Said: w.said(), Run: string(w.node.Run), Cause: string(w.order.Decision), Confidence: map[string]document.Confidence{}}
	scope := brief
	var b document.Brief
	for _, q := range w.asked {
		if q.Answer != nil && q.Answer.Ours && q.Round > 0 {
			b.Assumptions = append(b.Assumptions, document.Assumption{Text: q.Assumes, Question: string(q.ID)})
		}
	}
	for _, k := range kept {
		if k.Section == scopeSection {
			var s scopeAnswer
			if err := json.Unmarshal(k.Answer, &s); err != nil {
				return nil, fmt.Errorf("read scope: %w", err)
			}
			scope.Content = s.scope()
			continue
		}
		var s sectionAnswer
		if err := json.Unmarshal(k.Answer, &s); err != nil {
			return nil, fmt.Errorf("read %s: %w", k.Section, err)
		}
		put(&b, k.Section, s)
		if c, ok := s.confidence(); ok {
			brief.Confidence[k.Section] = c
		}
	}
	brief.Content, scope.Confidence = b, nil
	var all []document.Draft
	for _, k := range w.order.kinds() {
		if k == document.BriefKind {
			all = append(all, brief)
		} else if scope.Content != nil {
			all = append(all, scope)
		}
	}
	return all, nil
}
