package project

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
)

const (
	defaultLimit = 50
	maxLimit     = 100
)

// Query selects projects. The zero Query is the first 50 that are not deleted,
// newest first.
type Query struct {
	Status Status // empty: active and parked
	After  string // cursor of the last page
	Limit  int    // 1–100; 0 is 50
}

// Page is one page of a list. Next is empty on the last one.
type Page struct {
	Projects []Project
	Next     string
}

// list asks for one more than is shown, to know whether there is a next page.
const list = `
SELECT ` + columns + ` FROM project p
WHERE ` + seen + `
  AND CASE WHEN $4 = '' THEN p.status <> 'deleted' ELSE p.status = $4 END
  AND ($5::timestamptz IS NULL OR (p.created_at, p.id) < ($5, $6))
ORDER BY p.created_at DESC, p.id DESC LIMIT $7`

// List returns the actor's projects. A cursor that is not one of ours is
// fault.Malformed; fault.Invalid on status or limit.
func (p *Projects) List(ctx context.Context, actor account.Actor, q Query) (Page, error) {
	if err := actor.Need(account.MayRead); err != nil {
		return Page{}, err
	}
	switch q.Status {
	case "", Active, Parked, Deleted:
	default:
		return Page{}, fault.OnField("status", "Choose active, parked or deleted.")
	}
	if q.Limit < 0 || q.Limit > maxLimit {
		return Page{}, fault.OnField("limit", "Choose 1 to 100.")
	}
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	from, err := parseCursor(q.After)
	if err != nil {
		return Page{}, err
	}
	rows, err := p.db.Query(ctx, list, sees(actor, q.Status, from.at, from.id, q.Limit+1)...)
	if err != nil {
		return Page{}, fmt.Errorf("ask for projects: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Project])
	if err != nil {
		return Page{}, fmt.Errorf("list projects: %w", err)
	}
	page := Page{Projects: found}
	if len(found) > q.Limit {
		page.Projects = found[:q.Limit]
		last := page.Projects[q.Limit-1]
		page.Next = cursor{at: &last.CreatedAt, id: last.ID}.String()
	}
	return page, nil
}

// cursor is a place between two projects of a list: behind the one it names. It
// says nothing that its holder does not know and grants nothing.
type cursor struct {
	at *time.Time // nil: the beginning
	id ID
}

// String returns the opaque form of a cursor.
func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.at.UnixMicro(), 10) + "." + string(c.id)))
}

// parseCursor reads what String wrote; empty is the beginning.
func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	malformed := fault.New(fault.Malformed, "bad_cursor", "This page of the list does not exist. Begin at its start.")
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, malformed
	}
	micros, key, _ := strings.Cut(string(text), ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || n < 0 || n > maxMicros {
		return cursor{}, malformed
	}
	i, err := id.Parse[ID](key)
	if err != nil {
		return cursor{}, malformed
	}
	at := time.UnixMicro(n).UTC()
	read := cursor{at: &at, id: i}
	if read.String() != s { // one spelling only
		return cursor{}, malformed
	}
	return read, nil
}

// maxMicros is the year 9999, well inside what PostgreSQL stores.
const maxMicros = 253_402_300_799_999_999
