package project

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"

	"github.com/jackc/pgx/v5"
)

// Piece removes what a package keeps of a project where no foreign key reaches:
// streams, runs, objects under opaque ids. It runs in the transaction that removes the
// project, and again if that one fails.
type Piece func(ctx context.Context, tx pgx.Tx, i ID) error

// A workspace that was deleted has nobody left who could restore.
const nextToPurge = `
SELECT p.id FROM project p JOIN workspace w ON w.id = p.workspace_id
WHERE (p.deleted_at <= $1 OR w.deleted_at IS NOT NULL) AND p.id > $2
ORDER BY p.id LIMIT 1 FOR UPDATE OF p SKIP LOCKED`

const purge = `DELETE FROM project WHERE id = $1`

// Purge removes what was deleted at least KeepDeleted ago and returns how many
// projects. Each project goes in a transaction of its own: first the pieces in the
// order given, the highest rank first, then its row with everything that refers to it
// and all that was told of it.
// One that cannot be removed stays whole, is told in the error and does not keep the
// others. Any process may call it at any time.
func (p *Projects) Purge(ctx context.Context, pieces ...Piece) (int, error) {
	total, last := 0, ID("")
	var failed []error
	for ctx.Err() == nil {
		found, err := p.purgeNext(ctx, &last, pieces)
		switch {
		case err != nil && !found:
			return total, errors.Join(append(failed, err)...)
		case err != nil:
			failed = append(failed, err)
		case !found:
			return total, errors.Join(failed...)
		default:
			total++
		}
	}
	return total, errors.Join(append(failed, ctx.Err())...)
}

// purgeNext removes the first project behind last that is due, sets last to it, and
// reports whether there was one.
func (p *Projects) purgeNext(ctx context.Context, last *ID, pieces []Piece) (bool, error) {
	before, found := p.clock.Now().Add(-KeepDeleted), false
	err := db.InTx(ctx, p.db, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, nextToPurge, before, *last).Scan(last)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for projects to purge: %w", err)
		}
		found = true
		for _, remove := range pieces {
			if err := remove(ctx, tx, *last); err != nil {
				return fmt.Errorf("purge %s: %w", *last, err)
			}
		}
		if _, err := tx.Exec(ctx, purge, *last); err != nil {
			return fmt.Errorf("purge %s: %w", *last, err)
		}
		return event.ForgetTx(ctx, tx, StreamOf(*last))
	})
	if found && err == nil {
		p.Wake(*last)
	}
	return found, err
}
