package interview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/interview/attachment"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/meter/paid"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// File is an attachment with what is used of it.
type File struct {
	attachment.Attachment
	// Used is how many bytes of what is heard the work on the idea sees; below Long the
	// rest is kept and not used.
	Used int
	// Fresh is true while the page was written without it.
	Fresh bool

	text string // what is used
}

// filesOf returns the files of a project with what is used of each, the first ones first.
func filesOf(ctx context.Context, q attachment.Querier, p project.ID, page int) ([]File, error) {
	kept, err := attachment.Of(ctx, q, p)
	if err != nil {
		return nil, err
	}
	all, left := make([]File, 0, len(kept)), attachment.MaxHeard
	for _, a := range kept {
		f := File{Attachment: a, Fresh: page > 0 && a.Revision > page}
		f.text = string(a.Heard)
		if a.Long > left {
			f.text = cut(f.text, left)
		}
		f.Used = len(f.text)
		left -= f.Used
		all = append(all, f)
	}
	return all, nil
}

// cut returns the beginning of a text that goes on, at most so many bytes of it, to the
// end of a paragraph or else of a line or word, where one is not far.
func cut(text string, most int) string {
	most = min(most, len(text))
	for most > 0 && most < len(text) && !utf8.RuneStart(text[most]) {
		most--
	}
	head := strings.ToValidUTF8(text[:most], "") // the text itself may end within a letter
	for _, end := range []string{"\n\n", "\n", " "} {
		if at := strings.LastIndex(head, end); at > most/2 {
			return head[:at]
		}
	}
	return head
}

// Attach keeps a file with an idea; the same bytes a second time change nothing. What is
// read of it is used from the next work on. fault.Invalid on content; fault.Conflict with
// code too_many_files.
func (i *Interviews) Attach(ctx context.Context, actor account.Actor, p project.ID, f attachment.File) (File, error) {
	var made attachment.Attachment
	after, err := i.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project, r row) (err error) {
		made, err = i.attachTx(ctx, tx, actor, in.ID, &r, f)
		if err != nil {
			return err
		}
		return i.saveTx(ctx, tx, p, r, Attached, told{File: made.ID, State: r.State})
	})
	if err != nil {
		return File{}, err
	}
	at := slices.IndexFunc(after.Files, func(f File) bool { return f.ID == made.ID })
	return after.Files[at], nil
}

func (i *Interviews) attachTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.ID, r *row, f attachment.File) (attachment.Attachment, error) {
	made, fresh, err := attachment.AddTx(ctx, tx, p, f, attachment.Giver{
		ID: id.Mint[attachment.ID](i.cfg.IDs), Author: actor.User, Revision: r.Revision + 1, At: i.cfg.Clock.Now(),
	})
	if fresh {
		r.Revision++
	}
	return made, err
}

// Files returns the files of a project.
func (i *Interviews) Files(ctx context.Context, actor account.Actor, p project.ID) ([]File, error) {
	got, err := i.Get(ctx, actor, p)
	return got.Files, err
}

// Detach takes a file away for good; what was written with it stays.
func (i *Interviews) Detach(ctx context.Context, actor account.Actor, p project.ID, a attachment.ID) error {
	_, err := i.locked(ctx, actor, p, func(tx pgx.Tx, _ project.Project, r row) error {
		if err := attachment.RemoveTx(ctx, tx, p, a); err != nil {
			return err
		}
		r.Revision++
		return i.saveTx(ctx, tx, p, r, Detached, told{File: a, State: r.State})
	})
	return err
}

// Download returns a file with its bytes as they were given.
func (i *Interviews) Download(ctx context.Context, actor account.Actor, p project.ID, a attachment.ID) (File, []byte, error) {
	got, err := i.Get(ctx, actor, p)
	if err != nil {
		return File{}, nil, err
	}
	at := slices.IndexFunc(got.Files, func(f File) bool { return f.ID == a })
	if at < 0 {
		return File{}, nil, fault.New(fault.NotFound, "", "There is no such file.")
	}
	raw, err := attachment.Content(ctx, i.cfg.DB, p, a)
	return got.Files[at], raw, err
}

// FilesGivenBy lists the files an actor gave, in whatever team.
func (i *Interviews) FilesGivenBy(ctx context.Context, actor account.Actor) ([]attachment.Given, error) {
	return attachment.GivenBy(ctx, i.cfg.DB, actor.User)
}

// fileAnswer is what a model found in a picture or PDF.
type fileAnswer struct {
	Readable bool   `json:"readable" doc:"false when nothing in it can be made out"`
	Says     string `json:"says" doc:"what stands or is shown in it, complete where it is about the product; the words and numbers copied as they are; empty when it cannot be read"`
	Because  string `json:"because" doc:"when it cannot be read, why, in one plain sentence to the founder; else empty"`
}

// Validate is asked by answer.
func (a *fileAnswer) Validate() error {
	var f flaws
	if a.Readable {
		f.need("/says", a.Says)
	} else {
		f.need("/because", a.Because)
	}
	return f.err()
}

// withFiles reads the files that nobody has read yet, each once and for good, before the
// work of a node. One that cannot be read stops nothing.
func (i *Interviews) withFiles(do func(ctx context.Context, w *work) (flow.Outcome, error)) func(context.Context, *work) (flow.Outcome, error) {
	return func(ctx context.Context, w *work) (flow.Outcome, error) {
		if w.row.Run != string(w.node.Run) {
			return flow.Done(nil), nil
		}
		for _, f := range w.files {
			if f.State != attachment.Kept {
				continue
			}
			if err := i.readFile(ctx, w, f.Attachment); err != nil {
				return flow.Outcome{}, err
			}
		}
		var err error
		w.files, err = filesOf(ctx, i.cfg.DB, w.project.ID, w.row.PageRevision)
		if err != nil {
			return flow.Outcome{}, err
		}
		return do(ctx, w)
	}
}

func (i *Interviews) readFile(ctx context.Context, w *work, a attachment.Attachment) error {
	raw, err := attachment.Content(ctx, i.cfg.DB, w.project.ID, a.ID)
	if fault.Is(err, fault.NotFound) { // it was taken away a moment ago
		return nil
	}
	if err != nil {
		return err
	}
	block := llm.PDF(raw)
	if a.Kind == attachment.Picture {
		block = llm.Image(a.MediaType, raw)
	}
	_, err = ask(ctx, i, w, paid.Question[fileAnswer]{
		Step: "file/" + string(a.ID), Role: meter.Interviewer, Effort: llm.MediumEffort,
		System: i.texts.file, Prompt: i.texts.prompt(w, "Say what stands in the attached file."), Blocks: []llm.Block{block}, Form: i.forms.file,
		KeepTx: func(ctx context.Context, tx pgx.Tx, f fileAnswer) error {
			if !f.Readable {
				f.Says = ""
			} else {
				f.Because = ""
			}
			return i.changeTx(ctx, tx, w, heard(w, a.ID, f.Says, f.Because))
		},
	})
	note := unreadable(err)
	if note == "" {
		return err
	}
	return i.change(ctx, w, "file/"+string(a.ID)+"/not", heard(w, a.ID, "", note))
}

// heard is the change that keeps what was found in a file.
func heard(w *work, a attachment.ID, says, note string) func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error) {
	return func(ctx context.Context, tx pgx.Tx, r *row) (string, told, error) {
		return FileRead, told{File: a, State: r.State}, attachment.HeardTx(ctx, tx, w.project.ID, a, says, note)
	}
}

// unreadable says to the founder why a file is left out, where trying again would not
// help; empty: it would, or nothing is wrong.
func unreadable(err error) string {
	var e *llm.Error
	if !errors.As(err, &e) {
		return ""
	}
	const goOn = " I keep it and go on without it."
	switch {
	case e.Kind == llm.Refused:
		return "The AI declined to read this file." + goOn
	case e.Kind == llm.ContextTooLong || e.Reason == llm.TooLarge:
		return "This file is too long for the connected AI. Attach the pages that matter most." + goOn
	case e.Kind == llm.Rejected && e.Reason == llm.BadRequest:
		return "The connected AI cannot read this kind of file." + goOn
	case e.Kind == llm.Truncated || e.Kind == llm.Unreadable:
		return fmt.Sprintf("What the AI made of this file could not be used.%s", goOn)
	}
	return ""
}
