package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cofounder/internal/base/id"

	"github.com/jackc/pgx/v5"
)

// MessageID identifies a message to a run.
type MessageID string

// Prefix implements id.Kind.
func (MessageID) Prefix() string { return "msg" }

// Message is something said to a run while it works, waits or is paused. It stays
// queued until a step takes it.
type Message struct {
	ID     MessageID       `json:"id"`
	Author string          `json:"author"` // opaque
	Body   json.RawMessage `json:"body"`
	At     time.Time       `json:"at"`
}

const insertMessage = `INSERT INTO run_message (id, run_id, author_id, body) VALUES ($1, $2, $3, $4)`

// SendTx queues a message to a run, as part of tx. A run of another workspace is
// fault.NotFound, one that is over fault.Conflict.
func (e *Engine) SendTx(ctx context.Context, tx pgx.Tx, workspace string, run RunID, author string, body any) (MessageID, error) {
	if _, err := control(ctx, tx, workspace, run); err != nil {
		return "", err
	}
	written, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("write message: %w", err)
	}
	m := id.Mint[MessageID](e.cfg.IDs)
	if _, err := tx.Exec(ctx, insertMessage, m, run, author, written); err != nil {
		return "", fmt.Errorf("queue message: %w", err)
	}
	return m, nil
}

const takeMessages = `
WITH fence AS MATERIALIZED (SELECT node_fence($1, $2)), taken AS (
    UPDATE run_message m SET node_id = $1, step = $3 FROM fence
    WHERE m.run_id = $4 AND m.node_id IS NULL RETURNING m.id, m.author_id, m.body, m.at
), kept AS (
    INSERT INTO step (node_id, key, epoch, output, took)
    SELECT $1, $3, $2, (SELECT coalesce(json_agg(json_build_object('id', id, 'author', author_id, 'body', body, 'at', at) ORDER BY id), '[]') FROM taken), '0'
    FROM fence RETURNING output
)
SELECT output FROM kept`

// TakeMessages is a step that takes all messages that are queued for the run, oldest
// first; it may take none. Each message is taken by one step.
func TakeMessages(ctx context.Context, n *Node, key string) ([]Message, error) {
	var ms []Message
	if kept, ok := n.done[key]; ok {
		return ms, read(kept, &ms, "step "+key)
	}
	if err := n.mayGoOn(ctx); err != nil {
		return nil, err
	}
	output := json.RawMessage(nil)
	err := n.engine.commit(ctx, commit{
		what: "step " + key,
		write: func(b *pgx.Batch) {
			b.Queue(takeMessages, n.ID, n.Epoch, key, n.Run).QueryRow(func(row pgx.Row) error { return row.Scan(&output) })
		},
		fill:    func(*Commit) error { return nil },
		written: func(ctx context.Context) (bool, error) { return n.hasStep(ctx, key) },
	})
	if err != nil {
		return nil, err
	}
	if output == nil { // written, but the answer got lost with the connection
		if err := n.engine.cfg.DB.QueryRow(ctx, oneStep, n.ID, key).Scan(&output); err != nil {
			return nil, fmt.Errorf("read step %s: %w", key, own(ctx, err))
		}
	}
	n.done[key] = output
	if err := read(output, &ms, "step "+key); err != nil {
		return nil, err
	}
	slices.SortFunc(ms, func(a, b Message) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return ms, nil
}

const oneStep = `SELECT output FROM step WHERE node_id = $1 AND key = $2`
