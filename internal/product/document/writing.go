package document

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Assignment is the input of the runs that Ask starts.
type Assignment struct {
	Kinds []Kind `json:"kinds"` // in the order in which they are written
}

// askID keys the runs of Ask.
type askID string

// Prefix implements id.Kind.
func (askID) Prefix() string { return "ask" }

const (
	setAsked = `
INSERT INTO document (project_id, kind, state, changed_at) VALUES ($1, $2, 'asked', $3)
ON CONFLICT (project_id, kind) DO UPDATE SET state = 'asked', reason = '', trouble = '', run = '', changed_at = $3`
	setWriting = `
INSERT INTO document (project_id, kind, state, run, changed_at) VALUES ($1, $2, 'writing', $4, $3)
ON CONFLICT (project_id, kind) DO UPDATE SET state = 'writing', reason = '', trouble = '', run = $4, changed_at = $3`
	setFailed  = `UPDATE document SET state = 'failed', reason = $4, trouble = '', run = '', changed_at = $3 WHERE project_id = $1 AND kind = $2`
	setWaiting = `UPDATE document SET trouble = $4, changed_at = $3 WHERE project_id = $1 AND kind = $2`
	setWritten = `UPDATE document SET state = 'written', reason = '', trouble = '', run = '', changed_at = $3 WHERE project_id = $1 AND kind = $2`
)

// Ask asks for documents to be written, or written again; a single one that failed is
// retried alone. What was written before stays. fault.Invalid on kinds; fault.Conflict
// with code being_written when one of them is, or brief_needed for all but the brief.
func (d *Documents) Ask(ctx context.Context, actor account.Actor, i project.ID, kinds []Kind) error {
	briefs, others, err := sorted(kinds)
	if err != nil {
		return err
	}
	return d.locked(ctx, actor, account.MayWrite, i, func(tx pgx.Tx, p project.Project) error {
		if p.Status == project.Parked {
			return fault.New(fault.Conflict, "project_parked", "This project is on hold. Take it off hold first.")
		}
		for _, k := range slices.Concat(briefs, others) {
			if err := d.askTx(ctx, tx, i, k); err != nil {
				return err
			}
		}
		if err := d.startTx(ctx, tx, actor, p, project.RunWriteBrief, briefs); err != nil {
			return err
		}
		return d.startTx(ctx, tx, actor, p, project.RunWriteDocuments, others)
	})
}

// sorted returns kinds in the order of writing: those that are written from the answers,
// and the others.
func sorted(kinds []Kind) (briefs, others []Kind, err error) {
	if len(kinds) == 0 {
		return nil, nil, fault.OnField("kinds", "Say which documents.")
	}
	for _, k := range Kinds() {
		switch {
		case !slices.Contains(kinds, k):
		case k == BriefKind || k == ScopeKind:
			briefs = append(briefs, k)
		default:
			others = append(others, k)
		}
	}
	if len(briefs)+len(others) != len(kinds) {
		return nil, nil, fault.OnField("kinds", "One of them is named twice, or there is no such document.")
	}
	return briefs, others, nil
}

// startTx starts the run that writes kinds; none is none.
func (d *Documents) startTx(ctx context.Context, tx pgx.Tx, actor account.Actor, p project.Project, run flow.Kind, kinds []Kind) error {
	if len(kinds) == 0 {
		return nil
	}
	_, err := d.runs.StartTx(ctx, tx, p.Run(run, actor.User, string(id.Mint[askID](d.ids)), Assignment{kinds}))
	return err
}

func (d *Documents) askTx(ctx context.Context, tx pgx.Tx, i project.ID, k Kind) error {
	r, err := rowOf(ctx, tx, i, k)
	if err != nil {
		return err
	}
	if r.State == Asked || r.State == Writing {
		return errBeingWritten(k)
	}
	if k != BriefKind {
		brief, err := rowOf(ctx, tx, i, BriefKind)
		if err != nil {
			return err
		}
		if brief.Current == 0 {
			return fault.New(fault.Conflict, "brief_needed", "There is no page about your idea yet. Answer the questions first, then I write it.")
		}
	}
	if _, err := tx.Exec(ctx, setAsked, i, k, d.clock.Now()); err != nil {
		return fmt.Errorf("ask for %s: %w", k, err)
	}
	return d.tellTx(ctx, tx, i, "document.asked", news{Kind: k})
}

func errBeingWritten(k Kind) error {
	return fault.Newf(fault.Conflict, "being_written", "%s: I am writing this already.", k.Title())
}

// BeginTx says that a run has begun to write a document; a second time by the same run
// changes nothing. Another run that writes it is fault.Conflict with code
// being_written.
func (d *Documents) BeginTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, k Kind, run string) error {
	if _, err := d.lockTx(ctx, tx, actor, account.MayWrite, i); err != nil {
		return err
	}
	r, err := rowOf(ctx, tx, i, k)
	switch {
	case err != nil:
		return err
	case r.State == Writing && r.Run == run:
		return nil
	case r.State == Writing:
		return errBeingWritten(k)
	}
	if _, err := tx.Exec(ctx, setWriting, i, k, d.clock.Now(), run); err != nil {
		return fmt.Errorf("begin %s: %w", k, err)
	}
	return d.tellTx(ctx, tx, i, "document.writing", news{Kind: k})
}

// Failure is why a run could not write a document.
type Failure struct {
	Kind   Kind
	Run    string
	Reason string // plain words, for the founder
}

// FailTx says that a run could not write a document. Where the run is not the one that
// writes it nothing changes.
func (d *Documents) FailTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, f Failure) error {
	if strings.TrimSpace(f.Reason) == "" {
		return errors.New("fail document: no reason given")
	}
	if _, err := d.lockTx(ctx, tx, actor, account.MayWrite, i); err != nil {
		return err
	}
	r, err := rowOf(ctx, tx, i, f.Kind)
	if err != nil || r.State != Asked && r.State != Writing || r.Run != "" && r.Run != f.Run {
		return err
	}
	if _, err := tx.Exec(ctx, setFailed, i, f.Kind, d.clock.Now(), f.Reason); err != nil {
		return fmt.Errorf("fail %s: %w", f.Kind, err)
	}
	return d.tellTx(ctx, tx, i, "document.failed", news{Kind: f.Kind})
}

// WaitTx says what a run that writes a document waits for, in plain words; the document
// stays in writing. Where the run is not the one that writes it nothing changes.
func (d *Documents) WaitTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, f Failure) error {
	if _, err := d.lockTx(ctx, tx, actor, account.MayWrite, i); err != nil {
		return err
	}
	r, err := rowOf(ctx, tx, i, f.Kind)
	if err != nil || r.State != Writing || r.Run != f.Run {
		return err
	}
	if _, err := tx.Exec(ctx, setWaiting, i, f.Kind, d.clock.Now(), f.Reason); err != nil {
		return fmt.Errorf("let %s wait: %w", f.Kind, err)
	}
	return d.tellTx(ctx, tx, i, "document.waiting", news{Kind: f.Kind})
}

// Draft is a document a run has written.
type Draft struct {
	Content    Content
	Confidence map[string]Confidence // by section; may be empty
	// Said is all the founder wrote: the idea, the answers, the instruction. Numbers
	// of a brief come from there.
	Said  string
	Run   string
	Cause string // the decision or answer it came from; may be empty
	Note  string
}

// Outcome is what became of a draft; one field is set.
type Outcome struct {
	Version  *Version  // in force now
	Proposal *Proposal // would replace the founder's words: waits for the founder
}

// Check refuses a draft that FinishTx would refuse, without a transaction: to be mended
// by its writer first. fault.Invalid with the field, or with code unsourced_number.
func (d *Documents) Check(draft Draft) error {
	_, err := readDraft(draft)
	return err
}

func readDraft(draft Draft) (Draft, error) {
	var err error
	if draft.Content, err = check(draft.Content); err != nil {
		return Draft{}, err
	}
	if err := needSources(draft.Content, draft.Said); err != nil {
		return Draft{}, err
	}
	draft.Confidence, err = checkConfidence(draft.Content, draft.Confidence)
	return draft, err
}

// FinishTx stores what a run has written, as a part of the transaction that ends its
// step. It becomes the version in force, or a proposal where it differs from words of
// the founder's. The same content as in force makes no version. A draft of a run that
// another one has overtaken is fault.Conflict with code being_written.
func (d *Documents) FinishTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, draft Draft) (Outcome, error) {
	draft, err := readDraft(draft)
	if err != nil {
		return Outcome{}, err
	}
	k := draft.Content.Kind()
	if _, err := d.lockTx(ctx, tx, actor, account.MayWrite, i); err != nil {
		return Outcome{}, err
	}
	r, err := rowOf(ctx, tx, i, k)
	if err != nil {
		return Outcome{}, err
	}
	if r.State == Writing && r.Run != draft.Run {
		return Outcome{}, errBeingWritten(k)
	}
	history, err := historyOf(ctx, tx, i, k)
	if err != nil {
		return Outcome{}, err
	}
	if draft.Content, err = identify(draft.Content, history, (*book).ours); err != nil {
		return Outcome{}, err
	}
	done := row{Kind: k, State: Written, Current: r.Current}
	if r.Current == 0 {
		return d.writtenTx(ctx, tx, i, done, version(draft, ByUs, actor))
	}
	current, err := versionOf(ctx, tx, i, k, r.Current)
	if err != nil {
		return Outcome{}, err
	}
	changes := Compare(current.Content, draft.Content)
	same, err := equal(current.Content, draft.Content)
	switch {
	case err != nil:
		return Outcome{}, err
	case same:
		return Outcome{Version: &current}, d.restTx(ctx, tx, i, k)
	case slices.ContainsFunc(changes, func(c SectionChange) bool { return slices.Contains(current.Edited, c.Key) }):
		return d.proposeTx(ctx, tx, i, draft)
	}
	next := version(draft, ByRegeneration, actor)
	next.Edited = current.Edited // they say the same as before
	return d.writtenTx(ctx, tx, i, done, next)
}

func version(draft Draft, by Maker, actor account.Actor) Version {
	return Version{
		Content: draft.Content, Confidence: draft.Confidence, MadeBy: by, Author: actor.User, Cause: draft.Cause, Note: draft.Note,
	}
}

func (d *Documents) writtenTx(ctx context.Context, tx pgx.Tx, i project.ID, r row, v Version) (Outcome, error) {
	made, err := d.keepTx(ctx, tx, i, r, v)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Version: &made}, d.tellTx(ctx, tx, i, "document.written", news{r.Kind, made.Number})
}

// restTx ends a writing that made no version.
func (d *Documents) restTx(ctx context.Context, tx pgx.Tx, i project.ID, k Kind) error {
	if _, err := tx.Exec(ctx, setWritten, i, k, d.clock.Now()); err != nil {
		return fmt.Errorf("end writing of %s: %w", k, err)
	}
	return d.tellTx(ctx, tx, i, "document.written", news{Kind: k})
}
