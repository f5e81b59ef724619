package document

import (
	"context"
	"errors"
	"fmt"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

const currentNumber = `
SELECT coalesce(d.current, 0) FROM document d JOIN project p ON p.id = d.project_id
WHERE d.project_id = $1 AND d.kind = $2 AND p.workspace_id = $3`

// CurrentTx returns the version in force of a document of the actor's team, as tx sees
// it, for whoever decides by it in tx. Whether the actor sees the project is for the
// caller to know. Nothing written is fault.NotFound.
func (d *Documents) CurrentTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, k Kind) (Version, error) {
	number, err := d.currentTx(ctx, tx, actor, i, k)
	if err != nil {
		return Version{}, err
	}
	return versionOf(ctx, tx, i, k, number)
}

// VersionTx is CurrentTx for any version.
func (d *Documents) VersionTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, k Kind, number int) (Version, error) {
	if _, err := d.currentTx(ctx, tx, actor, i, k); err != nil {
		return Version{}, err
	}
	return versionOf(ctx, tx, i, k, number)
}

func (*Documents) currentTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i project.ID, k Kind) (int, error) {
	var number int
	err := tx.QueryRow(ctx, currentNumber, i, k, actor.Workspace).Scan(&number)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && number == 0 {
		return 0, errNoDocument()
	}
	if err != nil {
		return 0, fmt.Errorf("look for %s: %w", k, err)
	}
	return number, nil
}
