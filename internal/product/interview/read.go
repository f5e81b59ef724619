package interview

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/meter/paid"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// read says what can be made of an idea, and asks back where that is not clear.
func (i *Interviews) read(ctx context.Context, w *work) (flow.Outcome, error) {
	if w.row.Run != string(w.node.Run) {
		return flow.Done(nil), nil
	}
	if w.row.Round > 0 { // it was understood before
		return flow.Go(flow.Next{Name: nodeAsk}), nil
	}
	r, err := ask(ctx, i, w, paid.Question[reading]{
		Step: "reading", Role: meter.Interviewer, Effort: llm.MediumEffort,
		System: i.texts.reader, Prompt: i.texts.prompt(w, "Read the idea."), Form: i.forms.reading,
		KeepTx: func(ctx context.Context, tx pgx.Tx, r reading) error { return i.keepReading(ctx, tx, w, r) },
	})
	if err != nil {
		return flow.Outcome{}, err
	}
	if r.asksBack() {
		return flow.Done(nil), nil
	}
	return flow.Go(flow.Next{Name: nodeAsk}), nil
}

// asksBack reports whether the founder has to say more before we can ask about details.
func (r *reading) asksBack() bool {
	return len(r.FollowUp) > 0 || r.Verdict == string(Cannot) || r.Verdict == string(Decline)
}

func (i *Interviews) keepReading(ctx context.Context, tx pgx.Tx, w *work, r reading) error {
	return i.changeTx(ctx, tx, w, func(ctx context.Context, tx pgx.Tx, in *row) (string, told, error) {
		understood, err := json.Marshal(Understanding{Name: r.Name, People: orNone(r.People), Things: orNone(r.Things)})
		if err != nil {
			return "", told{}, fmt.Errorf("write understanding: %w", err)
		}
		if err := i.cfg.Projects.HearLanguageTx(ctx, tx, w.actor, w.project.ID, r.Language); err != nil {
			return "", told{}, err
		}
		in.Verdict, in.Line, in.Understanding = Verdict(r.Verdict), r.Line, understood
		if !r.asksBack() {
			return WasRead, told{State: in.State}, nil
		}
		q := Question{
			ID: id.Mint[QuestionID](i.cfg.IDs), Kind: Long, Decides: "target_user", Assumes: "We assume that the idea says all there is to say yet.",
			Text: "What would you like to have instead?", Why: "As it is, I cannot build it. Another side of it may work.",
		}
		if len(r.FollowUp) > 0 {
			q.Text, q.Why, q.Hint = r.FollowUp[0].Text, r.FollowUp[0].Why, r.FollowUp[0].Example
		}
		in.State = Asking
		if err := i.addTx(ctx, tx, w.project.ID, 0, []Question{q}); err != nil {
			return "", told{}, err
		}
		return Asked, told{Question: q.ID, State: Asking}, nil
	})
}

func orNone(all []Noun) []Noun {
	if all == nil {
		return []Noun{}
	}
	return all
}

const lastPlace = `SELECT coalesce(max(place) + 1, 0) FROM question WHERE project_id = $1 AND round = $2`

// addTx stores questions behind those of a round.
func (i *Interviews) addTx(ctx context.Context, tx pgx.Tx, p project.ID, round int, qs []Question) error {
	var place int
	if err := tx.QueryRow(ctx, lastPlace, p, round).Scan(&place); err != nil {
		return fmt.Errorf("find last question: %w", err)
	}
	return askTx(ctx, tx, p, round, place, qs)
}

// ask asks the questions of the next round.
func (i *Interviews) ask(ctx context.Context, w *work) (flow.Outcome, error) {
	if w.row.Run != string(w.node.Run) {
		return flow.Done(nil), nil
	}
	_, err := ask(ctx, i, w, paid.Question[questions]{
		Step: "questions", Role: meter.Interviewer, Effort: llm.MediumEffort,
		System: i.texts.interviewer, Prompt: i.texts.prompt(w, countTask(w.row.Depth), count(w.row.Depth)),
		Form: i.forms.questions, Rule: round(w.row.Depth, w.asked),
		KeepTx: func(ctx context.Context, tx pgx.Tx, q questions) error { return i.keepQuestions(ctx, tx, w, q) },
	})
	return flow.Done(nil), err
}

func (i *Interviews) keepQuestions(ctx context.Context, tx pgx.Tx, w *work, q questions) error {
	return i.changeTx(ctx, tx, w, func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error) {
		r.Round++
		if len(q.Questions) == 0 { // there is nothing more to ask
			err := i.startTx(ctx, tx, w.actor, w.project, r, Writing)
			return GoesOn, told{State: r.State}, err
		}
		r.State = Asking
		var all []Question
		for _, one := range q.Questions {
			all = append(all, i.question(one))
		}
		return Asked, told{Question: all[0].ID, State: Asking}, askTx(ctx, tx, w.project.ID, r.Round, 0, all)
	})
}

func (i *Interviews) question(q newQuestion) Question {
	return Question{
		ID: id.Mint[QuestionID](i.cfg.IDs), Text: q.Text, Why: q.Why, Kind: Kind(q.Kind), Suggestions: q.Suggestions,
		Hint: q.Hint, Decides: q.Decides, Assumes: q.Assumes,
	}
}

// check looks whether a new answer goes with the others, and whether what is still open
// fits. It changes no state, so that the founder never waits for it.
func (i *Interviews) check(ctx context.Context, w *work) (flow.Outcome, error) {
	if w.order.Reread {
		if err := i.reread(ctx, w); err != nil {
			return flow.Outcome{}, err
		}
	}
	_, err := ask(ctx, i, w, paid.Question[answersCheck]{
		Step: "answers", Role: meter.Relevance, Effort: llm.MediumEffort,
		System: i.texts.checker, Prompt: i.texts.prompt(w, "Check the answers against each other and against the idea.", open(w.asked)...),
		Form: i.forms.answers, Rule: together(w.project.Idea, w.asked),
		KeepTx: func(ctx context.Context, tx pgx.Tx, c answersCheck) error { return i.keepCheck(ctx, tx, w, c) },
	})
	return flow.Done(nil), err
}

// reread says anew what can be made of the idea, now that the founder corrected how we
// read it. What we read stays: the corrections are about it.
func (i *Interviews) reread(ctx context.Context, w *work) error {
	_, err := ask(ctx, i, w, paid.Question[reading]{
		Step: "reading", Role: meter.Interviewer, Effort: llm.MediumEffort,
		System: i.texts.reader, Prompt: i.texts.prompt(w, "Read the idea again, with the corrections."), Form: i.forms.reading,
		KeepTx: func(ctx context.Context, tx pgx.Tx, r reading) error {
			p := w.project.ID
			if _, err := i.cfg.Projects.LockTx(ctx, tx, w.actor, p); err != nil {
				return err
			}
			now, err := rowOf(ctx, tx, p)
			if err != nil || r.asksBack() {
				return err
			}
			now.Verdict, now.Line = Verdict(r.Verdict), r.Line
			return i.saveTx(ctx, tx, p, now, WasRead, told{State: now.State})
		},
	})
	return err
}

const retire = `
UPDATE question q SET gone_at = $3 FROM interview i
WHERE q.project_id = $1 AND q.id = $2 AND q.gone_at IS NULL AND i.project_id = q.project_id AND i.state = 'asking' AND i.round = q.round
  AND NOT EXISTS (SELECT FROM question_answer a WHERE a.project_id = q.project_id AND a.question_id = q.id)
RETURNING q.place`

// keepCheck stores pairs and puts questions into the place of those that do not fit any
// more. What was answered meanwhile stays.
func (i *Interviews) keepCheck(ctx context.Context, tx pgx.Tx, w *work, c answersCheck) error {
	p := w.project.ID
	if _, err := i.cfg.Projects.LockTx(ctx, tx, w.actor, p); err != nil {
		return err
	}
	now, news := i.cfg.Clock.Now(), false
	for _, one := range c.Contradictions {
		made, err := tx.Exec(ctx, insertContradiction, //nolint:unqueryvet // a few at most
			id.Mint[ContradictionID](i.cfg.IDs), p, one.First, one.Second, one.FirstQuote, one.SecondQuote, one.Clash, now)
		if err != nil {
			return fmt.Errorf("store contradiction: %w", err)
		}
		news = news || made.RowsAffected() > 0
	}
	for n, gone := range c.Unfit {
		rows, err := tx.Query(ctx, retire, p, gone, now) //nolint:unqueryvet // a few at most
		if err != nil {
			return fmt.Errorf("take question back: %w", err)
		}
		places, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil {
			return fmt.Errorf("take question back: %w", err)
		}
		at := slices.IndexFunc(w.asked, func(q Question) bool { return q.ID == QuestionID(gone) })
		if len(places) == 0 || at < 0 {
			continue
		}
		if err := askTx(ctx, tx, p, w.asked[at].Round, places[0], []Question{i.question(c.Instead[n])}); err != nil {
			return err
		}
		news = true
	}
	if !news {
		return nil
	}
	return i.tellTx(ctx, tx, p, Asked, told{})
}
