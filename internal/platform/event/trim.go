package event

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Keep is how much of each stream stays. Zero fields keep everything.
type Keep struct {
	Events int       // the newest so many
	Since  time.Time // what happened at or after it
}

const (
	// trimStreams are looked at together, trimEvents removed together: a stream
	// takes no appends meanwhile.
	trimStreams = 500
	trimEvents  = 500
)

// due is a stream that holds more than is kept: everything up to aim may go.
type due struct {
	Stream Stream
	Floor  int64
	Aim    int64
}

// findDue looks through the streams after $1. What goes is what is oldest, so that
// what stays has no gap: an event that is new enough keeps all after it, whatever
// instants they bear.
const findDue = `
SELECT s.stream, s.floor, greatest(s.floor,
    CASE WHEN $3::bigint > 0 THEN s.last - $3 ELSE 0 END,
    CASE WHEN $4::timestamptz IS NULL THEN 0 ELSE coalesce(
        (SELECT e.seq - 1 FROM event e WHERE e.stream = s.stream AND e.at >= $4 ORDER BY e.seq LIMIT 1),
        s.last) END) AS aim
FROM event_stream s WHERE s.stream > $1 ORDER BY s.stream LIMIT $2`

// Trim removes what need not stay and returns how many events went. It works
// through all streams in small transactions, and any process may call it at any
// time. Its cost is one look into the index for each stream, and what it removes.
func Trim(ctx context.Context, db *pgxpool.Pool, keep Keep) (int, error) {
	var since *time.Time
	if !keep.Since.IsZero() {
		since = &keep.Since
	}
	total, after := 0, Stream("")
	for {
		rows, err := db.Query(ctx, findDue, after, trimStreams, keep.Events, since) //nolint:unqueryvet // page by page
		if err != nil {
			return total, fmt.Errorf("look for old events: %w", err)
		}
		part, err := pgx.CollectRows(rows, pgx.RowToStructByName[due])
		if err != nil {
			return total, fmt.Errorf("look for old events: %w", err)
		}
		for _, d := range part {
			n, err := d.remove(ctx, db)
			total += n
			if err != nil {
				return total, err
			}
		}
		if len(part) < trimStreams {
			return total, nil
		}
		after = part[len(part)-1].Stream
	}
}

// removeOld does nothing when the floor is no longer where it was: another process
// was there, or the stream was forgotten and began anew.
const removeOld = `
WITH raised AS (
    UPDATE event_stream SET floor = $3 WHERE stream = $1 AND floor = $2 AND last >= $3 RETURNING stream)
DELETE FROM event e USING raised r WHERE e.stream = r.stream AND e.seq <= $3`

func (d due) remove(ctx context.Context, db *pgxpool.Pool) (int, error) {
	total := 0
	for d.Floor < d.Aim {
		next := min(d.Aim, d.Floor+trimEvents)
		done, err := db.Exec(ctx, removeOld, d.Stream, d.Floor, next) //nolint:unqueryvet // in small transactions
		if err != nil {
			return total, fmt.Errorf("remove old events of %s: %w", d.Stream, err)
		}
		if done.RowsAffected() == 0 {
			break
		}
		total, d.Floor = total+int(done.RowsAffected()), next
	}
	return total, nil
}
