package project

import (
	"context"
	"fmt"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"

	"github.com/jackc/pgx/v5"
)

// maxNote is the most characters of the note on a parked project.
const maxNote = 500

const lock = get + ` FOR NO KEY UPDATE OF p`

// change is how a project becomes what is wanted; the zero change leaves it as it is.
// args come after the id ($1) and the time ($2).
type change struct {
	sql  string
	args []any
	what string // the kind of its event
	tell Told
	goOn flow.Reason // runs that were paused for this go on
}

// decision looks at a locked project and says what becomes of it.
type decision func(present Project) (change, error)

func (p *Projects) change(ctx context.Context, actor account.Actor, i ID, decide decision) (Project, error) {
	return p.commit(ctx, i, func(tx pgx.Tx) (Project, error) { return p.changeTx(ctx, tx, actor, i, decide) })
}

// commit does a change in a transaction of its own and tells of it.
func (p *Projects) commit(ctx context.Context, i ID, do func(tx pgx.Tx) (Project, error)) (Project, error) {
	var changed Project
	err := db.InTx(ctx, p.db, func(tx pgx.Tx) error {
		var err error
		changed, err = do(tx)
		return err
	})
	if err != nil {
		return Project{}, err
	}
	p.Wake(i)
	return changed, nil
}

func (p *Projects) changeTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i ID, decide decision) (Project, error) {
	present, err := p.LockTx(ctx, tx, actor, i)
	if err != nil {
		return Project{}, err
	}
	c, err := decide(present)
	if err != nil || c.sql == "" {
		return present, err
	}
	now := p.clock.Now()
	changed, err := one(ctx, tx, c.sql+` RETURNING `+columns, append([]any{present.ID, now}, c.args...)...)
	if err != nil {
		return Project{}, err
	}
	if c.goOn != "" {
		if err := flow.ResumeProjectTx(ctx, tx, string(changed.Workspace), string(i), c.goOn); err != nil {
			return Project{}, err
		}
	}
	c.tell.By = actor.User
	return changed, tellTx(ctx, tx, i, now, c.what, c.tell)
}

// LockTx returns a project the actor sees, of any status but purged, and keeps every
// other change of it waiting until tx ends. What must not interleave for one project
// begins with it.
func (p *Projects) LockTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i ID) (Project, error) {
	return one(ctx, tx, lock, sees(actor, i)...)
}

// unlessDeleted refuses changes of a deleted project.
func unlessDeleted(present Project) error {
	if present.Status == Deleted {
		return fault.New(fault.Conflict, "project_deleted", "This project is deleted. Restore it first.")
	}
	return nil
}

const rename = `UPDATE project p SET name = $3, updated_at = $2 WHERE id = $1`

// Rename changes the name. fault.Invalid on name, fault.Conflict with code
// project_deleted.
func (p *Projects) Rename(ctx context.Context, actor account.Actor, i ID, name string) (Project, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Project{}, err
	}
	var f form.Form
	name = f.Line("name", name, 1, maxName)
	if err := f.Err(); err != nil {
		return Project{}, err
	}
	return p.change(ctx, actor, i, func(present Project) (change, error) {
		if present.Name == name {
			return change{}, unlessDeleted(present)
		}
		return change{sql: rename, args: []any{name}, what: Renamed, tell: Told{Name: name}}, unlessDeleted(present)
	})
}

const park = `UPDATE project p SET parked_at = $2, park_note = $3, updated_at = $2 WHERE id = $1`

// Park puts a project on hold with an optional note of at most 500 characters. Its runs
// pause at once, until Unpark. Parking twice changes nothing; a deleted project is
// fault.Conflict with code project_deleted.
func (p *Projects) Park(ctx context.Context, actor account.Actor, i ID, note string) (Project, error) {
	return p.commit(ctx, i, func(tx pgx.Tx) (Project, error) { return p.ParkTx(ctx, tx, actor, i, note) })
}

// ParkTx is Park as a part of tx; call Wake after its commit.
func (p *Projects) ParkTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i ID, note string) (Project, error) {
	decide, err := parking(actor, note)
	if err != nil {
		return Project{}, err
	}
	// Before the project is locked: steps lock their node, then perhaps the project.
	if err := flow.PauseProjectTx(ctx, tx, string(actor.Workspace), string(i), OnHold, "This project is on hold."); err != nil {
		return Project{}, err
	}
	return p.changeTx(ctx, tx, actor, i, decide)
}

func parking(actor account.Actor, note string) (decision, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return nil, err
	}
	note, err := readNote(note)
	if err != nil {
		return nil, err
	}
	return func(present Project) (change, error) {
		if present.Status == Parked {
			return change{}, nil
		}
		return change{sql: park, args: []any{note}, what: WasParked, tell: Told{Note: note}}, unlessDeleted(present)
	}, nil
}

func readNote(s string) (string, error) {
	var f form.Form
	note := f.Block("note", s, 4*maxNote)
	if err := f.Err(); err != nil {
		return "", err
	}
	if len([]rune(note)) > maxNote {
		return "", fault.OnField("note", fmt.Sprintf("At most %d characters, please.", maxNote))
	}
	return note, nil
}

const unpark = `UPDATE project p SET parked_at = NULL, park_note = '', updated_at = $2 WHERE id = $1`

// Unpark takes a project off hold, and lets the runs go on that this had paused. One that is not on hold stays as it is; a
// deleted one is fault.Conflict with code project_deleted.
func (p *Projects) Unpark(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Project{}, err
	}
	return p.change(ctx, actor, i, unparking)
}

// UnparkTx is Unpark as a part of tx; call Wake after its commit.
func (p *Projects) UnparkTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i ID) (Project, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Project{}, err
	}
	return p.changeTx(ctx, tx, actor, i, unparking)
}

func unparking(present Project) (change, error) {
	if present.Status == Active {
		return change{}, nil
	}
	return change{sql: unpark, what: Unparked, goOn: OnHold}, unlessDeleted(present)
}

const remove = `UPDATE project p SET deleted_at = $2, updated_at = $2 WHERE id = $1`

// Delete marks a project deleted; owners only. Its runs pause at once; they go on when it
// is restored, and go when it is purged. Deleting twice changes nothing, and does not
// begin the 30 days anew.
func (p *Projects) Delete(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	if err := actor.Need(account.MayOwn); err != nil {
		return Project{}, err
	}
	return p.commit(ctx, i, func(tx pgx.Tx) (Project, error) {
		if err := flow.PauseProjectTx(ctx, tx, string(actor.Workspace), string(i), OfDeleted, "This project is deleted."); err != nil {
			return Project{}, err
		}
		return p.changeTx(ctx, tx, actor, i, deleting)
	})
}

func deleting(present Project) (change, error) {
	if present.Status == Deleted {
		return change{}, nil
	}
	return change{sql: remove, what: WasDeleted}, nil
}

const restore = `UPDATE project p SET deleted_at = NULL, updated_at = $2 WHERE id = $1`

// Restore takes a deletion back; owners only. The project is as it was before,
// parked if it was parked. One that is not deleted stays as it is; one that was
// purged is fault.NotFound.
func (p *Projects) Restore(ctx context.Context, actor account.Actor, i ID) (Project, error) {
	if err := actor.Need(account.MayOwn); err != nil {
		return Project{}, err
	}
	return p.change(ctx, actor, i, func(present Project) (change, error) {
		if present.Status != Deleted {
			return change{}, nil
		}
		return change{sql: restore, what: Restored, goOn: OfDeleted}, nil
	})
}
