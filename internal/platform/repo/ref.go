package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/repo/wire"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Ref is a name for an object. Names are whole: refs/heads/main.
type Ref struct {
	Name   string
	Target Hash
}

const refSQL = `SELECT target FROM repo_ref WHERE repo_id = $1 AND name = $2`

// Ref returns what the ref points at, or fault.NotFound.
func (s *Store) Ref(ctx context.Context, id ID, name string) (Hash, error) {
	return s.ref(ctx, s.db, id, name)
}

func (s *Store) ref(ctx context.Context, db querier, id ID, name string) (Hash, error) {
	var target pgtype.DriverBytes
	rows, err := db.Query(ctx, refSQL, id, name)
	if err != nil {
		return Hash{}, fmt.Errorf("read ref %s: %w", name, err)
	}
	var h Hash
	tag, err := pgx.ForEachRow(rows, []any{&target}, func() error {
		h = Hash(target)
		return nil
	})
	switch {
	case err != nil:
		return Hash{}, fmt.Errorf("read ref %s: %w", name, err)
	case tag.RowsAffected() == 0:
		return Hash{}, noObject()
	}
	return h, nil
}

const refsSQL = `SELECT name, target FROM repo_ref WHERE repo_id = $1 ORDER BY name`

// Refs lists all refs of the repository by name, those that clients do not see
// included.
func (s *Store) Refs(ctx context.Context, id ID) ([]Ref, error) { return s.refs(ctx, s.db, id) }

func (s *Store) refs(ctx context.Context, db querier, id ID) ([]Ref, error) {
	rows, err := db.Query(ctx, refsSQL, id)
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	var refs []Ref
	var name string
	var target pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&name, &target}, func() error {
		refs = append(refs, Ref{name, Hash(target)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list refs: %w", err)
	}
	return refs, nil
}

// Move is one ref from what it was to what it shall be. A zero From says that there
// must be none, a zero To deletes it.
type Move struct {
	Name     string
	From, To Hash
}

// MoveTx moves a ref in the caller's transaction and locks the repository until that
// ends. What it moves to must be stored: a commit for a branch, anything for another
// ref. It does not ask whether history goes forward.
//
// fault.Conflict (ref_moved): somebody was faster. fault.NotFound: no such
// repository or object. fault.Invalid: no such name can be.
func (s *Store) MoveTx(ctx context.Context, tx pgx.Tx, id ID, m Move) error {
	if why := checkRef(m.Name); why != "" {
		return fault.OnField("ref", why)
	}
	if err := s.lockTx(ctx, tx, id); err != nil {
		return err
	}
	if !m.To.IsZero() {
		found, err := s.measures(ctx, tx, id, []Hash{m.To})
		if err != nil {
			return err
		}
		kind := found[m.To].kind
		if kind == 0 || strings.HasPrefix(m.Name, heads) && kind != wire.Commit {
			return noObject()
		}
	}
	return s.swapTx(ctx, tx, id, m)
}

const (
	refInsertSQL = `INSERT INTO repo_ref (repo_id, name, target) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	refUpdateSQL = `UPDATE repo_ref SET target = $4 WHERE repo_id = $1 AND name = $2 AND target = $3`
	refDeleteSQL = `DELETE FROM repo_ref WHERE repo_id = $1 AND name = $2 AND target = $3`
	// refClashSQL finds a ref that would be a folder of this one, or this one of it:
	// git keeps refs as files.
	refClashSQL = `SELECT name FROM repo_ref
WHERE repo_id = $1 AND (name = ANY ($2) OR starts_with(name, $3 || '/')) LIMIT 1`
)

// swapTx is MoveTx without the checks. The repository must be locked.
func (s *Store) swapTx(ctx context.Context, tx pgx.Tx, id ID, m Move) error {
	sql, args := refUpdateSQL, []any{id, m.Name, m.From[:], m.To[:]}
	switch {
	case m.To.IsZero():
		sql, args = refDeleteSQL, args[:3]
	case m.From.IsZero():
		if err := s.clashTx(ctx, tx, id, m.Name); err != nil {
			return err
		}
		sql, args = refInsertSQL, []any{id, m.Name, m.To[:]}
	}
	tag, err := tx.Exec(ctx, sql, args...)
	switch {
	case err != nil:
		return fmt.Errorf("move ref %s: %w", m.Name, err)
	case tag.RowsAffected() == 0:
		return fault.New(fault.Conflict, "ref_moved", "Somebody else was faster. Fetch first, then try again.")
	}
	return nil
}

func (s *Store) clashTx(ctx context.Context, tx pgx.Tx, id ID, name string) error {
	var parents []string
	for i := range name {
		if name[i] == '/' {
			parents = append(parents, name[:i])
		}
	}
	var other string
	err := tx.QueryRow(ctx, refClashSQL, id, parents, name).Scan(&other)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("compare ref %s: %w", name, err)
	}
	return fault.Newf(fault.Conflict, "ref_clash", "There is %s already, which stands in the way of this name.", other)
}
