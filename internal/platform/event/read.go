package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// MaxPage is the most events of one Page, and maxPageBytes about the most of
	// their data, so that many readers fit into memory.
	MaxPage      = 200
	maxPageBytes = 64 << 10
)

// Page is what came after a cursor, oldest first, or the beginning of it.
type Page struct {
	Events []Event
	// Reset says that events between the cursor and the first of Events are gone:
	// what was made of the stream so far has to be read anew.
	Reset bool
	// Next is the cursor after Events. Without events it is where to wait.
	Next int64
	// Last is the newest sequence of the stream; more events follow while it is
	// above Next.
	Last int64
}

// readEvents is one statement, so that floor and events are of one moment. A cursor
// above last begins again at the floor.
const readEvents = `
SELECT s.last, s.floor, e.seq, e.kind, e.at, e.data
FROM event_stream s
LEFT JOIN LATERAL (
    SELECT e.seq, e.kind, e.at, e.data FROM event e
    WHERE e.stream = s.stream AND e.seq > CASE WHEN $2 > s.last THEN s.floor ELSE $2 END
    ORDER BY e.seq LIMIT $3) e ON true
WHERE s.stream = $1
ORDER BY e.seq`

// Read returns what came after a cursor; limit is 1 to MaxPage, and less comes
// where events are large. A stream without events is an empty page.
func Read(ctx context.Context, db *pgxpool.Pool, stream Stream, after int64, limit int) (Page, error) {
	if err := stream.check(); err != nil {
		return Page{}, err
	}
	limit = max(1, min(limit, MaxPage))
	rows, err := db.Query(ctx, readEvents, stream, after, limit)
	if err != nil {
		return Page{}, fmt.Errorf("ask for events of %s: %w", stream, err)
	}
	defer rows.Close()
	page, found, bytes := Page{Next: after}, false, 0
	for bytes < maxPageBytes && rows.Next() {
		var r row
		if err := rows.Scan(&page.Last, &r.floor, &r.seq, &r.kind, &r.at, &r.data); err != nil {
			return Page{}, fmt.Errorf("read events of %s: %w", stream, err)
		}
		if !found && (after < r.floor || after > page.Last) {
			page.Reset, page.Next = true, r.floor
		}
		found = true
		if r.seq != nil {
			e := r.event(stream)
			page.Events, page.Next, bytes = append(page.Events, e), e.Seq, bytes+len(e.Data)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("read events of %s: %w", stream, err)
	}
	if !found && after != 0 {
		page.Reset, page.Next = true, 0
	}
	return page, nil
}

// row is what both ways of reading scan, besides what differs. Without an event seq
// and what follows are nil.
type row struct {
	floor int64
	seq   *int64
	kind  *string
	at    *time.Time
	data  []byte
}

func (r row) event(stream Stream) Event {
	return Event{Stream: stream, Seq: *r.seq, Kind: *r.kind, At: *r.at, Data: r.data}
}

const readLast = `SELECT last FROM event_stream WHERE stream = $1`

// Last returns the newest sequence of a stream, 0 before its first event. Read it
// before the state that a reader begins with: what happens in between is then told
// twice, never missed.
func Last(ctx context.Context, db *pgxpool.Pool, stream Stream) (int64, error) {
	var last int64
	err := db.QueryRow(ctx, readLast, stream).Scan(&last)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read the last event of %s: %w", stream, err)
	}
	return last, nil
}
