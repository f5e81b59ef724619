package attachment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Querier is what pools and transactions can both do.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Of what is heard no more is read than is used, which is 60 000 bytes.
const columns = `
a.id, a.name, a.kind, a.media_type, a.size, a.sha256, a.state, a.note, a.revision, a.author, a.at,
substring(CASE WHEN a.kind = 'text' THEN a.content ELSE convert_to(a.heard, 'UTF8') END FROM 1 FOR 60000) AS heard,
CASE WHEN a.kind = 'text' THEN a.size ELSE octet_length(a.heard) END AS long`

const list = `SELECT ` + columns + ` FROM attachment a WHERE a.project_id = $1 ORDER BY a.revision, a.id`

// Of returns the attachments of a project in the order in which they were given.
func Of(ctx context.Context, q Querier, p project.ID) ([]Attachment, error) {
	found, err := q.Query(ctx, list, p)
	if err != nil {
		return nil, fmt.Errorf("ask for attachments: %w", err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByName[Attachment])
	if err != nil {
		return nil, fmt.Errorf("read attachments: %w", err)
	}
	if all == nil {
		all = []Attachment{}
	}
	return all, nil
}

const content = `SELECT content FROM attachment WHERE project_id = $1 AND id = $2`

// Content returns the bytes of an attachment; none is fault.NotFound.
func Content(ctx context.Context, q Querier, p project.ID, i ID) ([]byte, error) {
	var raw []byte
	err := q.QueryRow(ctx, content, p, i).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNone()
	}
	if err != nil {
		return nil, fmt.Errorf("read attachment: %w", err)
	}
	return raw, nil
}

func errNone() error { return fault.New(fault.NotFound, "", "There is no such file.") }

// Giver is who gives a file, and when.
type Giver struct {
	ID       ID // of the new attachment
	Author   account.UserID
	Revision int
	At       time.Time
}

const insert = `
INSERT INTO attachment AS a (id, project_id, name, kind, media_type, size, sha256, content, state, revision, author, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING ` + columns

// AddTx keeps a file of a project that is locked, and reports whether it is new: the same
// bytes a second time are the attachment that is there. fault.Invalid on content;
// fault.Conflict with code too_many_files when the project has no room for it.
func AddTx(ctx context.Context, tx pgx.Tx, p project.ID, f File, by Giver) (Attachment, bool, error) {
	looked, err := Look(f.Content)
	if err != nil {
		return Attachment{}, false, err
	}
	all, err := Of(ctx, tx, p)
	if err != nil {
		return Attachment{}, false, err
	}
	sum := sha256.Sum256(looked.Content)
	hash, total := hex.EncodeToString(sum[:]), len(looked.Content)
	for _, a := range all {
		if a.SHA256 == hash {
			return a, false, nil
		}
		total += a.Size
	}
	if len(all) >= MostFiles || total > MaxAll {
		return Attachment{}, false, fault.New(fault.Conflict, "too_many_files", "An idea takes five files, 16 MB together. Take one away first.")
	}
	state := Kept
	if looked.Kind == Text {
		state = Read
	}
	rows, err := tx.Query(ctx, insert, by.ID, p, nameOf(f.Name), looked.Kind, looked.MediaType, len(looked.Content), hash, looked.Content,
		state, by.Revision, by.Author, by.At)
	if err != nil {
		return Attachment{}, false, fmt.Errorf("keep attachment: %w", err)
	}
	kept, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Attachment])
	if err != nil {
		return Attachment{}, false, fmt.Errorf("keep attachment: %w", err)
	}
	return kept, true, nil
}

const read = `UPDATE attachment SET state = $3, heard = $4, note = $5 WHERE project_id = $1 AND id = $2`

// HeardTx keeps what a model found in a file, or with a note why it found nothing. One
// that was taken away meanwhile stays away.
func HeardTx(ctx context.Context, tx pgx.Tx, p project.ID, i ID, heard, note string) error {
	state := Read
	if note != "" {
		state = Unreadable
	}
	if _, err := tx.Exec(ctx, read, p, i, state, heard, note); err != nil {
		return fmt.Errorf("keep what was heard: %w", err)
	}
	return nil
}

const remove = `DELETE FROM attachment WHERE project_id = $1 AND id = $2`

// RemoveTx takes a file away for good; none is fault.NotFound.
func RemoveTx(ctx context.Context, tx pgx.Tx, p project.ID, i ID) error {
	done, err := tx.Exec(ctx, remove, p, i)
	if err != nil {
		return fmt.Errorf("remove attachment: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errNone()
	}
	return nil
}

// Given is a file somebody gave, for the export of what is kept about them.
type Given struct {
	ID      ID         `json:"id"`
	Project project.ID `json:"project"`
	Name    string     `json:"name"`
	Size    int        `json:"size"`
	SHA256  string     `json:"sha256"`
	At      time.Time  `json:"at"`
}

const given = `
SELECT a.id, a.project_id AS project, a.name, a.size, a.sha256, a.at FROM attachment a WHERE a.author = $1 ORDER BY a.id`

// GivenBy lists the files somebody gave, in whatever team.
func GivenBy(ctx context.Context, q Querier, u account.UserID) ([]Given, error) {
	rows, err := q.Query(ctx, given, u)
	if err != nil {
		return nil, fmt.Errorf("ask for files: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Given])
	if err != nil {
		return nil, fmt.Errorf("read files: %w", err)
	}
	if all == nil {
		all = []Given{}
	}
	return all, nil
}
