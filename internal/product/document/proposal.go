package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// ProposalID identifies a proposal.
type ProposalID string

// Prefix implements id.Kind.
func (ProposalID) Prefix() string { return "prp" }

// Proposal is a writing that would replace words of the founder's. It waits until the
// founder takes it, all or some sections, or leaves it; a later one takes its place.
type Proposal struct {
	ID         ProposalID
	Kind       Kind
	Content    Content
	Confidence map[string]Confidence
	Cause      string
	At         time.Time
}

// storedProposal is a proposal as it is kept.
type storedProposal struct {
	ID         ProposalID
	Kind       Kind
	Content    json.RawMessage
	Confidence map[string]Confidence
	Cause      string
	At         time.Time
}

const (
	getWaiting = `
SELECT p.id, p.kind, p.content, p.confidence, p.cause, p.at FROM document_proposal p
WHERE p.project_id = $1 AND p.kind = $2 AND p.outcome IS NULL`
	replaceWaiting = `
UPDATE document_proposal SET outcome = 'replaced', closed_at = $3 WHERE project_id = $1 AND kind = $2 AND outcome IS NULL`
	propose = `
INSERT INTO document_proposal (id, project_id, kind, content, confidence, cause, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	closeProposal = `UPDATE document_proposal SET outcome = $2, closed_at = $3, closed_by = $4 WHERE id = $1`
)

// waitingProposal returns the proposal for a document; none is pgx.ErrNoRows.
func waitingProposal(ctx context.Context, q querier, i project.ID, k Kind) (Proposal, error) {
	found, err := q.Query(ctx, getWaiting, i, k)
	if err != nil {
		return Proposal{}, fmt.Errorf("ask for proposal: %w", err)
	}
	kept, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[storedProposal])
	if errors.Is(err, pgx.ErrNoRows) {
		return Proposal{}, err
	}
	if err != nil {
		return Proposal{}, fmt.Errorf("read proposal: %w", err)
	}
	v, err := stored{Kind: kept.Kind, Content: kept.Content}.version()
	if err != nil {
		return Proposal{}, err
	}
	return Proposal{kept.ID, kept.Kind, v.Content, kept.Confidence, kept.Cause, kept.At}, nil
}

func (d *Documents) proposeTx(ctx context.Context, tx pgx.Tx, i project.ID, draft Draft) (Outcome, error) {
	raw, _, err := encode(draft.Content)
	if err != nil {
		return Outcome{}, err
	}
	p := Proposal{
		ID: id.Mint[ProposalID](d.ids), Kind: draft.Content.Kind(), Content: draft.Content, Confidence: draft.Confidence,
		Cause: draft.Cause, At: d.clock.Now(),
	}
	if _, err := tx.Exec(ctx, replaceWaiting, i, p.Kind, p.At); err != nil {
		return Outcome{}, fmt.Errorf("replace proposal: %w", err)
	}
	if _, err := tx.Exec(ctx, propose, p.ID, i, p.Kind, raw, p.Confidence, p.Cause, p.At); err != nil {
		return Outcome{}, fmt.Errorf("propose: %w", err)
	}
	if _, err := tx.Exec(ctx, setWritten, i, p.Kind, p.At); err != nil {
		return Outcome{}, fmt.Errorf("end writing of %s: %w", p.Kind, err)
	}
	return Outcome{Proposal: &p}, d.tellTx(ctx, tx, i, "document.proposed", news{Kind: p.Kind})
}

// Take is how much of a proposal the founder takes.
type Take struct {
	Proposal ProposalID
	Sections []string // empty: all that differ
	Base     int      // the version it was compared with
}

// Accept makes a version with what the founder takes of a proposal in the place of what
// was there, and closes it. Where the document has changed since base it is
// fault.Conflict with code edited_meanwhile; a proposal that no longer waits is
// fault.NotFound; fault.Invalid on sections.
func (d *Documents) Accept(ctx context.Context, actor account.Actor, i project.ID, k Kind, t Take) (Version, error) {
	var made Version
	err := d.closing(ctx, actor, i, answer{k, t.Proposal, "accepted"}, func(tx pgx.Tx, r row, p Proposal) error {
		if r.Current != t.Base {
			return errMeanwhile(r.Current)
		}
		current, err := versionOf(ctx, tx, i, k, r.Current)
		if err != nil {
			return err
		}
		next, err := taken(current, p, t.Sections)
		if err != nil {
			return err
		}
		history, err := historyOf(ctx, tx, i, k)
		if err != nil {
			return err
		}
		if len(Compare(current.Content, next.Content)) == 0 {
			made = current // the founder wrote the same meanwhile
			return nil
		}
		// Ids the founder gave since the proposal was written belong to other things.
		if next.Content, err = identify(next.Content, history, (*book).ours); err != nil {
			return err
		}
		next.MadeBy, next.Author, next.Cause = ByRegeneration, actor.User, p.Cause
		if made, err = d.keepTx(ctx, tx, i, r.resting(), next); err != nil {
			return err
		}
		return d.tellTx(ctx, tx, i, "document.written", news{k, made.Number})
	})
	return made, err
}

// taken returns current with sections of a proposal in it.
func taken(current Version, p Proposal, sections []string) (Version, error) {
	changed := Compare(current.Content, p.Content)
	next := Version{Content: current.Content, Confidence: maps.Clone(current.Confidence), Edited: slices.Clone(current.Edited)}
	for _, key := range sections {
		if !slices.ContainsFunc(changed, func(c SectionChange) bool { return c.Key == key }) {
			return Version{}, fault.OnField("sections", "The proposal changes nothing there: "+key)
		}
	}
	for _, c := range changed {
		if len(sections) > 0 && !slices.Contains(sections, c.Key) {
			continue
		}
		value, err := part(p.Content, Place{Section: c.Key})
		if err != nil {
			return Version{}, err
		}
		if next.Content, err = replaced(next.Content, Place{Section: c.Key}, value); err != nil {
			return Version{}, err
		}
		next.Edited = slices.DeleteFunc(next.Edited, func(key string) bool { return key == c.Key })
		delete(next.Confidence, c.Key)
		if sure, ok := p.Confidence[c.Key]; ok {
			next.Confidence[c.Key] = sure
		}
	}
	return next, nil
}

// Decline leaves everything as it is and closes a proposal.
func (d *Documents) Decline(ctx context.Context, actor account.Actor, i project.ID, k Kind, p ProposalID) error {
	return d.closing(ctx, actor, i, answer{k, p, "declined"}, func(tx pgx.Tx, r row, _ Proposal) error {
		return d.tellTx(ctx, tx, i, "document.declined", news{k, r.Current})
	})
}

// answer is what the founder says to a proposal.
type answer struct {
	kind     Kind
	proposal ProposalID
	outcome  string
}

// closing runs do with the proposal that waits and closes it.
func (d *Documents) closing(ctx context.Context, actor account.Actor, i project.ID, a answer,
	do func(tx pgx.Tx, r row, p Proposal) error,
) error {
	return d.locked(ctx, actor, account.MayWrite, i, func(tx pgx.Tx, _ project.Project) error {
		p, err := waitingProposal(ctx, tx, i, a.kind)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && p.ID != a.proposal {
			return fault.New(fault.NotFound, "", "There is no such proposal, or it was answered already.")
		}
		if err != nil {
			return err
		}
		r, err := rowOf(ctx, tx, i, a.kind)
		if err != nil {
			return err
		}
		if err := do(tx, r, p); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, closeProposal, p.ID, a.outcome, d.clock.Now(), actor.User); err != nil {
			return fmt.Errorf("close proposal: %w", err)
		}
		return nil
	})
}
