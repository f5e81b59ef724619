package project

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"cofounder/internal/platform/event"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

// The kinds of events this package appends to a project's stream; their data is
// Told.
const (
	Created    = "project.created"
	Renamed    = "project.renamed"
	WasParked  = "project.parked"
	Unparked   = "project.unparked"
	WasDeleted = "project.deleted"
	Restored   = "project.restored"

	LanguageSet = "project.language" // no step of a life; StepOf leaves it to who shows it
)

// Told is the data of this package's events.
type Told struct {
	By   account.UserID `json:"by"`             // who did it
	Name string         `json:"name,omitempty"` // the new one, of Created and Renamed
	Note string         `json:"note,omitempty"` // of WasParked

	Language string `json:"language,omitempty"` // of LanguageSet
}

// StreamOf names the stream of everything that happens to a project. Who may see
// the project may see it, and nobody else: take the id from a Project that was read
// for the actor. Purge forgets it.
func StreamOf(i ID) event.Stream { return event.Stream(i) }

// Wake tells those who follow a project that something was committed to its stream.
func (p *Projects) Wake(i ID) { p.events.Wake(StreamOf(i)) }

// tellTx appends to the project's stream.
func tellTx(ctx context.Context, tx pgx.Tx, i ID, at time.Time, kind string, t Told) error {
	return event.AppendTx(ctx, tx, StreamOf(i), at, event.Draft{Kind: kind, Data: t})
}

// Step is one event of a project's life, read.
type Step struct {
	Seq  int64
	Kind string
	At   time.Time
	Told
}

// StepOf reads an event of this package; false for those of others, whose packages
// read them.
func StepOf(e event.Event) (Step, bool, error) {
	switch e.Kind {
	case Created, Renamed, WasParked, Unparked, WasDeleted, Restored:
	default:
		return Step{}, false, nil
	}
	s := Step{Seq: e.Seq, Kind: e.Kind, At: e.At}
	if err := json.Unmarshal(e.Data, &s.Told); err != nil {
		return Step{}, false, fmt.Errorf("read event %d of %s: %w", e.Seq, e.Stream, err)
	}
	return s, true, nil
}

// Lately returns the steps among the newest events of a project, at most last, and
// the cursor from which Follow goes on. What is read after it and before following
// is told twice, never missed.
func (p *Projects) Lately(ctx context.Context, actor account.Actor, i ID, last int) ([]Step, int64, error) {
	if _, err := p.Get(ctx, actor, i); err != nil {
		return nil, 0, err
	}
	cursor, err := event.Last(ctx, p.db, StreamOf(i))
	if err != nil {
		return nil, 0, err
	}
	page, err := event.Read(ctx, p.db, StreamOf(i), max(0, cursor-int64(last)), last)
	if err != nil {
		return nil, 0, err
	}
	var steps []Step
	for _, e := range page.Events {
		s, ours, err := StepOf(e)
		if err != nil {
			return nil, 0, err
		}
		if ours {
			steps = append(steps, s)
		}
	}
	return steps, page.Next, nil
}

// Follow subscribes to everything that happens to a project, after a cursor; 0 is
// its beginning. The actor is checked now: end the subscription when Get refuses.
// Close it.
func (p *Projects) Follow(ctx context.Context, actor account.Actor, i ID, after int64) (*event.Subscription, error) {
	if _, err := p.Get(ctx, actor, i); err != nil {
		return nil, err
	}
	return p.events.Subscribe(StreamOf(i), after)
}
