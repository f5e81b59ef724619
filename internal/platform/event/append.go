package event

import (
	"context"
	"fmt"
	"time"

	"cofounder/internal/base/faultpoint"

	"github.com/jackc/pgx/v5"
)

// appendEvents takes the sequences and writes the events in one statement. The row
// of the stream stays locked until the transaction ends; see the package comment.
const appendEvents = `
WITH taken AS (
    INSERT INTO event_stream AS s (stream, last) VALUES ($1, $2)
    ON CONFLICT (stream) DO UPDATE SET last = s.last + excluded.last
    RETURNING s.last)
INSERT INTO event (stream, seq, kind, at, data)
SELECT $1, t.last - $2 + d.nth, d.kind, $3, d.data::json
FROM taken t, unnest($4::text[], $5::text[]) WITH ORDINALITY AS d (kind, data, nth)`

// AppendTx appends events to a stream in the caller's transaction, all at the one
// instant of it. Call it as late as possible, with several streams in the order of
// their ids, and call Hub.Wake after the commit.
func AppendTx(ctx context.Context, tx pgx.Tx, stream Stream, at time.Time, drafts ...Draft) error {
	args, err := arguments(stream, at, drafts)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, appendEvents, args...); err != nil {
		return fmt.Errorf("append events to %s: %w", stream, err)
	}
	faultpoint.At("event.append.after")
	return nil
}

// QueueTx is AppendTx as the next statement of a batch that is sent in one round
// trip inside a transaction. It takes one result of the batch, without rows.
func QueueTx(batch *pgx.Batch, stream Stream, at time.Time, drafts ...Draft) (*pgx.QueuedQuery, error) {
	args, err := arguments(stream, at, drafts)
	if err != nil {
		return nil, err
	}
	return batch.Queue(appendEvents, args...), nil
}

func arguments(stream Stream, at time.Time, drafts []Draft) ([]any, error) {
	if err := stream.check(); err != nil {
		return nil, err
	}
	if len(drafts) == 0 {
		return nil, errNoEvents
	}
	kinds, data := make([]string, len(drafts)), make([]string, len(drafts))
	for i, d := range drafts {
		encoded, err := d.encode()
		if err != nil {
			return nil, err
		}
		kinds[i], data[i] = d.Kind, encoded
	}
	return []any{stream, len(drafts), at, kinds, data}, nil
}

// The rows of the streams come first: they are what appends and Trim lock.
const (
	lockStreams   = `SELECT FROM event_stream WHERE stream = ANY ($1) ORDER BY stream FOR UPDATE`
	forgetEvents  = `DELETE FROM event WHERE stream = ANY ($1)`
	forgetStreams = `DELETE FROM event_stream WHERE stream = ANY ($1)`
)

// ForgetTx removes streams with all their events: what they told of is gone for
// good. Somebody who still follows one is told to begin anew.
func ForgetTx(ctx context.Context, tx pgx.Tx, streams ...Stream) error {
	var batch pgx.Batch
	for _, sql := range []string{lockStreams, forgetEvents, forgetStreams} {
		batch.Queue(sql, streams)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("forget streams: %w", err)
	}
	return nil
}
