package interview

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/interview/attachment"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

const (
	// fewWords is how short an idea may be before we ask one friendly question about it.
	fewWords  = 10
	maxAnswer = 20_000 // bytes
	// longIdea is what fits an idea; of longer words the start is the idea and the whole a
	// file. Both in bytes.
	longIdea    = 100_000
	startOfLong = 10_000
)

const insertInterview = `
INSERT INTO interview (project_id, state, depth, round, changed_at) VALUES ($1, 'reading', 'quick', 0, $2)`

// Begin makes a project of an idea and begins to talk about it. An idea of fewer than
// ten words is asked about first, unless a file came with it; any other is read at once.
// Of words longer than an idea may be the whole becomes the first file, and the idea is
// their beginning; without words a file is the idea. The errors are those of
// project.Create and Attach; a file's field is files.0 or its like.
func (i *Interviews) Begin(ctx context.Context, actor account.Actor, d project.Draft, files ...attachment.File) (Interview, error) {
	var begun Interview
	d, files, err := unpacked(d, files)
	if err != nil {
		return Interview{}, err
	}
	err = db.InTx(ctx, i.cfg.DB, func(tx pgx.Tx) error {
		p, err := i.cfg.Projects.CreateTx(ctx, tx, actor, d)
		if err != nil {
			return err
		}
		if err := i.beginTalkTx(ctx, tx, actor, p, files); err != nil {
			return err
		}
		begun, err = whole(ctx, tx, p.ID)
		return err
	})
	if err != nil {
		return Interview{}, err
	}
	i.cfg.Projects.Wake(begun.Project)
	i.cfg.Runs.Poke()
	return begun, nil
}

// unpacked makes a draft with files of what was typed and attached.
func unpacked(d project.Draft, files []attachment.File) (project.Draft, []attachment.File, error) {
	idea := strings.TrimSpace(d.Idea)
	switch {
	case len(idea) > attachment.MaxText:
		return d, nil, fault.OnField("idea", "This is longer than 1 MB. Paste the part that matters most.")
	case len(idea) > longIdea:
		whole := attachment.File{Name: "What you pasted.txt", Content: []byte(idea)}
		d.Idea = cut(idea, startOfLong)
		return d, append([]attachment.File{whole}, files...), nil
	case idea == "" && len(files) > 0:
		looked, err := attachment.Look(files[0].Content)
		if err != nil {
			return d, nil, onFile(err, 0)
		}
		d.Idea = "The idea stands in the attached file."
		if looked.Kind == attachment.Text {
			d.Idea = string(looked.Content)
			if len(d.Idea) > startOfLong {
				d.Idea = cut(d.Idea, startOfLong)
			}
		}
	}
	return d, files, nil
}

// onFile names the file that an error is about.
func onFile(err error, n int) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid || len(f.Fields) == 0 {
		return err
	}
	return fault.OnField(fmt.Sprintf("files.%d", n), f.Fields[0].Detail)
}

// TakeUp begins to talk about the idea of a project that was made without. Where that
// has begun it changes nothing.
func (i *Interviews) TakeUp(ctx context.Context, actor account.Actor, p project.ID) (Interview, error) {
	return i.unlessHeld(ctx, actor, p, func(tx pgx.Tx, in project.Project) error {
		_, err := rowOf(ctx, tx, p)
		if fault.Is(err, fault.NotFound) {
			return i.beginTalkTx(ctx, tx, actor, in, nil)
		}
		return err
	})
}

func (i *Interviews) beginTalkTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, files []attachment.File) error {
	if _, err := tx.Exec(ctx, insertInterview, p.ID, i.cfg.Clock.Now()); err != nil {
		return fmt.Errorf("begin interview: %w", err)
	}
	r := row{State: Reading, Depth: Quick}
	for n, f := range files {
		if _, err := i.attachTx(ctx, tx, actor, p.ID, &r, f); err != nil {
			return onFile(err, n)
		}
	}
	var err error
	if words(p.Idea) < fewWords && len(files) == 0 {
		r.State = Asking
		err = askTx(ctx, tx, p.ID, 0, 0, []Question{i.more()})
	} else {
		err = i.startTx(ctx, tx, actor, p, &r, Reading)
	}
	if err != nil {
		return err
	}
	return i.saveTx(ctx, tx, p.ID, r, Began, told{State: r.State})
}

// words counts words. Scripts without spaces have none, so there every second letter
// counts for one.
func words(s string) int {
	spaced, wide := len(strings.Fields(s)), 0
	for _, r := range s {
		if r >= 0x2E80 { // from here on CJK and other wide scripts
			wide++
		}
	}
	return max(spaced, wide/2)
}

// more is what we ask about an idea of a few words.
func (i *Interviews) more() Question {
	return Question{
		ID: id.Mint[QuestionID](i.cfg.IDs), Kind: Long, Decides: "target_user",
		Text:    "That is a start. Who would use it, and what would they do with it first?",
		Why:     "With two or three sentences more I can ask you better questions.",
		Hint:    "For example: “Dog owners pick a free hour, and I see my week with each dog's name.”",
		Assumes: "We assume that the idea says all there is to say yet.",
	}
}

// Reply is what the founder says to a question: words, or that we decide.
type Reply struct {
	Question QuestionID
	Text     string
	YouDo    bool // "You decide"
}

// Submit takes an answer. The current question moves on to the next one; one that was
// answered before gets the new wording, and the same again changes nothing. A question
// that was not asked is fault.NotFound; fault.Invalid on text when it is empty or too
// long. The last answer of a round starts what follows from it.
func (i *Interviews) Submit(ctx context.Context, actor account.Actor, p project.ID, reply Reply) (Interview, error) {
	return i.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project, r row) error {
		if err := reply.check(); err != nil { // not before it is known that the question is theirs
			return err
		}
		return i.answerTx(ctx, tx, actor, in, r, reply)
	})
}

// check cleans the words of a reply and says what is wrong with them.
func (r *Reply) check() error {
	var f form.Form
	r.Text = f.Block("text", r.Text, maxAnswer)
	if r.YouDo {
		r.Text = ""
	} else if r.Text == "" && !f.Refused("text") {
		f.Refuse("text", "Say it in a few words, choose a suggestion, or leave it to me.")
	}
	return f.Err()
}

// answerTx keeps a reply and starts what follows from it.
func (i *Interviews) answerTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, r row, reply Reply) error {
	all, err := questionsOf(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(q Question) bool { return q.ID == reply.Question })
	if at < 0 {
		return fault.New(fault.NotFound, "", "I did not ask that question, or another one has taken its place.")
	}
	fresh := Answer{Text: reply.Text, Ours: reply.YouDo, Number: 1}
	if before := all[at].Answer; before != nil {
		if before.Text == fresh.Text && before.Ours == fresh.Ours {
			return nil
		}
		fresh.Number = before.Number + 1
	}
	r.Revision++
	if _, err := tx.Exec(ctx, insertAnswer, p.ID, reply.Question, fresh.Number, fresh.Text, fresh.Ours, r.Revision, actor.User, i.cfg.Clock.Now()); err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	all[at].Answer = &fresh
	if !fresh.Ours && all[at].Round > 0 {
		run := p.Run(project.RunCheckAnswers, actor.User, fmt.Sprintf("%s/answers/%d", p.ID, r.Revision), order{})
		if _, err := i.cfg.Runs.StartTx(ctx, tx, run); err != nil {
			return err
		}
	}
	if r.State == Asking && current(all, r.Round) == "" {
		if err := i.completeTx(ctx, tx, actor, p, &r); err != nil {
			return err
		}
	}
	return i.saveTx(ctx, tx, p.ID, r, Answered, told{Question: reply.Question, State: r.State})
}

// completeTx starts what follows when a round is over: after words about the idea it is
// read again, after questions the page is written.
func (i *Interviews) completeTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, r *row) error {
	next := Writing
	if r.Round == 0 {
		next = Reading
	}
	return i.startTx(ctx, tx, actor, p, r, next)
}

// Enough ends the round: the page is written from what was said. A second time changes
// nothing. fault.Conflict with code nothing_asked while no question waits, or not_yet
// while the idea itself is not understood.
func (i *Interviews) Enough(ctx context.Context, actor account.Actor, p project.ID) (Interview, error) {
	return i.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project, r row) error {
		switch {
		case r.State == Writing || r.State == Written:
			return nil
		case r.State != Asking:
			return fault.New(fault.Conflict, "nothing_asked", "No question waits for you at the moment.")
		case r.Round == 0:
			return fault.New(fault.Conflict, "not_yet", "I do not know enough of your idea yet to write a page about it. A sentence will do.")
		}
		if err := i.completeTx(ctx, tx, actor, in, &r); err != nil {
			return err
		}
		return i.saveTx(ctx, tx, p, r, GoesOn, told{State: r.State})
	})
}

// GoDeeper asks for a round of more questions. fault.Invalid on depth; fault.Conflict
// with code busy while we read or write, or not_yet before the first three.
func (i *Interviews) GoDeeper(ctx context.Context, actor account.Actor, p project.ID, d Depth) (Interview, error) {
	if least, _ := d.Count(); least == 0 || d == Quick {
		return Interview{}, fault.OnField("depth", "Choose deeper, deep or deepest.")
	}
	return i.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project, r row) error {
		switch {
		case r.State == Reading || r.State == Writing:
			return fault.New(fault.Conflict, "busy", "I am still at work on your idea. Ask me again when it is done.")
		case r.Round == 0:
			return fault.New(fault.Conflict, "not_yet", "Tell me a little more about your idea first.")
		}
		r.Depth = d
		if err := i.startTx(ctx, tx, actor, in, &r, Reading); err != nil {
			return err
		}
		return i.saveTx(ctx, tx, p, r, GoesOn, told{State: r.State})
	})
}

// Rewrite writes the page again from the answers as they are now. Words the founder
// edited are not replaced; see document. fault.Conflict with code busy, or not_yet
// before there is a page.
func (i *Interviews) Rewrite(ctx context.Context, actor account.Actor, p project.ID) (Interview, error) {
	return i.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project, r row) error {
		switch r.State {
		case Reading, Writing:
			return fault.New(fault.Conflict, "busy", "I am still at work on your idea. Ask me again when it is done.")
		case Asking, Failed:
			return fault.New(fault.Conflict, "not_yet", "There is no page to write again yet.")
		case Written:
		}
		if err := i.startTx(ctx, tx, actor, in, &r, Writing); err != nil {
			return err
		}
		return i.saveTx(ctx, tx, p, r, GoesOn, told{State: r.State})
	})
}

// Retry begins again what failed; sections that were finished stay. Where nothing has
// failed it changes nothing.
func (i *Interviews) Retry(ctx context.Context, actor account.Actor, p project.ID) (Interview, error) {
	return i.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project, r row) error {
		if r.State != Failed {
			return nil
		}
		before, same := r.Run, r.RunRevision == r.Revision
		if err := i.startTx(ctx, tx, actor, in, &r, r.FailedAt); err != nil {
			return err
		}
		if r.State == Writing && same {
			if _, err := tx.Exec(ctx, inherit, p, before, r.Run); err != nil {
				return fmt.Errorf("take over sections: %w", err)
			}
		}
		return i.saveTx(ctx, tx, p, r, GoesOn, told{State: r.State})
	})
}

// Choose settles a contradiction; the same again changes nothing. fault.Invalid on
// choice, or on because, which both needs. One that is not there is fault.NotFound.
func (i *Interviews) Choose(ctx context.Context, actor account.Actor, p project.ID, c ContradictionID, choice Choice, because string) (Interview, error) {
	var f form.Form
	because = f.Block("because", because, maxAnswer)
	if !slices.Contains([]Choice{First, Second, Both, Later}, choice) {
		f.Refuse("choice", "Choose first, second, both or later.")
	}
	if choice == Both && because == "" && !f.Refused("because") {
		f.Refuse("because", "Say how both can hold.")
	}
	if err := f.Err(); err != nil {
		return Interview{}, err
	}
	return i.locked(ctx, actor, p, func(tx pgx.Tx, _ project.Project, r row) error {
		all, err := contradictionsOf(ctx, tx, p)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(one Contradiction) bool { return one.ID == c })
		if at < 0 {
			return fault.New(fault.NotFound, "", "There is no such contradiction.")
		}
		if all[at].Choice == choice && all[at].Because == because {
			return nil
		}
		if _, err := tx.Exec(ctx, choose, p, c, choice, because, actor.User, i.cfg.Clock.Now()); err != nil {
			return fmt.Errorf("store choice: %w", err)
		}
		r.Revision++
		return i.saveTx(ctx, tx, p, r, Settled, told{State: r.State})
	})
}

// tellTx appends to the stream of a project without a change of the interview.
func (i *Interviews) tellTx(ctx context.Context, tx pgx.Tx, p project.ID, kind string, t told) error {
	return event.AppendTx(ctx, tx, project.StreamOf(p), i.cfg.Clock.Now(), event.Draft{Kind: kind, Data: t})
}
