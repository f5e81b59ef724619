package document

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Edit puts a founder's words in the place of what a section, or one item of it, says.
type Edit struct {
	Place Place
	Value json.RawMessage // what the content has there; null takes an item out
	// Base is the version the founder looked at. Where somebody has changed the same
	// place since, the edit is not made and both texts come back. Sent again with the
	// current version it replaces what is there: the founder has chosen.
	Base int
}

// ClashError is why an edit was not made: the place says something else by now. It is the
// cause of the fault.
type ClashError struct {
	Current Version // what is in force
	Place   Place
	Theirs  string // the place as it reads now
	Yours   string // as it would read with the edit
	Parts   []Part // from theirs to yours
}

// Error implements error.
func (c *ClashError) Error() string {
	return fmt.Sprintf("%s says something else since version %d", c.Place, c.Current.Number)
}

// Edit changes one place and makes a version. An edit that changes nothing returns the
// version in force. fault.Invalid on what is wrong with the value; fault.NotFound where
// nothing is written or no such item is there; fault.Conflict with code
// edited_meanwhile, the fields version, theirs and yours (JSON), and a *ClashError as its
// cause.
func (d *Documents) Edit(ctx context.Context, actor account.Actor, i project.ID, k Kind, e Edit) (Version, error) {
	if _, ok := k.heading(e.Place.Section); !ok {
		return Version{}, fault.OnField("section", "There is no such section.")
	}
	var made Version
	err := d.locked(ctx, actor, account.MayWrite, i, func(tx pgx.Tx, _ project.Project) error {
		r, err := rowOf(ctx, tx, i, k)
		if err != nil {
			return err
		}
		current, err := versionOf(ctx, tx, i, k, r.Current)
		if err != nil {
			return err
		}
		next, err := replaced(current.Content, e.Place, e.Value)
		if err != nil {
			return err
		}
		if err := d.unchangedTx(ctx, tx, i, current, next, e); err != nil {
			return err
		}
		history, err := historyOf(ctx, tx, i, k)
		if err != nil {
			return err
		}
		if next, err = identify(next, history, (*book).founders); err != nil {
			return err
		}
		if same, err := equal(current.Content, next); err != nil || same {
			made = current
			return err
		}
		if made, err = d.keepTx(ctx, tx, i, r.resting(), edited(actor, current, next)); err != nil {
			return err
		}
		return d.tellTx(ctx, tx, i, "document.edited", news{k, made.Number})
	})
	return made, err
}

// unchangedTx refuses an edit of a place that has changed since its base.
func (d *Documents) unchangedTx(ctx context.Context, tx pgx.Tx, i project.ID, current Version, next Content, e Edit) error {
	if e.Base == current.Number {
		return nil
	}
	base, err := versionOf(ctx, tx, i, current.Kind, e.Base)
	if err != nil {
		return err
	}
	then, err := part(base.Content, e.Place)
	if err != nil {
		return err
	}
	now, err := part(current.Content, e.Place)
	if err != nil {
		return err
	}
	yours, err := part(next, e.Place)
	if err != nil {
		return err
	}
	if string(now) == string(then) || string(now) == string(yours) {
		return nil
	}
	clash := &ClashError{Current: current, Place: e.Place, Theirs: reads(current.Content, e.Place), Yours: reads(next, e.Place)}
	clash.Parts = CompareText(clash.Theirs, clash.Yours)
	return errMeanwhile(current.Number).WithField("theirs", string(now)).WithField("yours", string(yours)).Because(clash)
}

// reads is a place as it is read.
func reads(c Content, at Place) string {
	for _, s := range c.Outline() {
		if s.Key != at.Section {
			continue
		}
		if at.Item == "" {
			return s.Plain()
		}
		var all []string
		inside := false
		for _, l := range s.Lines {
			if l.Style == Heading || l.Item == at.Item {
				inside = l.Item == at.Item
			}
			if inside {
				all = append(all, l.Plain())
			}
		}
		return strings.Join(all, "\n")
	}
	return ""
}

// edited is the version after current with what a founder wrote.
func edited(actor account.Actor, current Version, next Content) Version {
	v := Version{Content: next, Confidence: maps.Clone(current.Confidence), Edited: slices.Clone(current.Edited), MadeBy: ByFounder, Author: actor.User}
	for _, c := range Compare(current.Content, next) {
		delete(v.Confidence, c.Key) // our judgement was about other words
		v.Edited = append(v.Edited, c.Key)
	}
	return v
}

func equal(a, b Content) (bool, error) {
	_, one, err := encode(a)
	if err != nil {
		return false, err
	}
	_, other, err := encode(b)
	return one == other, err
}

const confirm = `UPDATE document SET confirmed = $2, confirmed_at = $3 WHERE project_id = $1 AND kind = 'scope'`

// ConfirmTx records that the founder said yes to a version of the scope, as a part of
// the transaction that decides to build it. A version that is not in force is
// fault.Conflict with code edited_meanwhile; none at all is fault.NotFound.
func (d *Documents) ConfirmTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, version int) error {
	if _, err := d.lockTx(ctx, tx, actor, account.MayWrite, i); err != nil {
		return err
	}
	r, err := rowOf(ctx, tx, i, ScopeKind)
	if err != nil {
		return err
	}
	switch {
	case r.Current == 0:
		return fault.New(fault.NotFound, "", "There is no scope yet.")
	case r.Current != version:
		return errMeanwhile(r.Current)
	case r.Confirmed == version:
		return nil
	}
	if _, err := tx.Exec(ctx, confirm, i, version, d.clock.Now()); err != nil {
		return fmt.Errorf("confirm scope: %w", err)
	}
	return d.tellTx(ctx, tx, i, "document.confirmed", news{ScopeKind, version})
}
