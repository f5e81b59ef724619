package account

import (
	"context"
	"fmt"
	"time"
)

const (
	// linkMemory is how long a link that ended is told apart from one that
	// never was; tokens stay listed as expired for tokenMemory.
	linkMemory  = 7 * 24 * time.Hour
	tokenMemory = 30 * 24 * time.Hour
	eventMemory = 365 * 24 * time.Hour
	sweepBatch  = 500
)

// Sweep removes what has expired, in batches that lock little and skip what
// somebody is using, and returns how many rows went. Any process may call it at
// any time; every few minutes is often enough.
func (a *Accounts) Sweep(ctx context.Context) (int, error) {
	now := a.clock.Now()
	total := 0
	for _, s := range []struct {
		what, sql string
		before    time.Time
	}{
		{"sessions", `DELETE FROM session WHERE id IN (
SELECT id FROM session WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now},
		{"links", `DELETE FROM sign_in_link WHERE code_hash IN (
SELECT code_hash FROM sign_in_link WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-linkMemory)},
		{"invitations", `DELETE FROM invitation WHERE id IN (
SELECT id FROM invitation WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-linkMemory)},
		{"tokens", `DELETE FROM api_token WHERE id IN (
SELECT id FROM api_token WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-tokenMemory)},
		{"ceremonies", `DELETE FROM passkey_ceremony WHERE key_hash IN (
SELECT key_hash FROM passkey_ceremony WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now},
		{"tries", `DELETE FROM throttle WHERE key IN (
SELECT key FROM throttle WHERE resets_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now},
		{"places", `DELETE FROM sign_in_place WHERE (user_id, network) IN (
SELECT user_id, network FROM sign_in_place WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now},
		{"events", `DELETE FROM account_event WHERE id IN (
SELECT id FROM account_event WHERE at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-eventMemory)},
		{"workspaces", `DELETE FROM workspace WHERE id IN (
SELECT w.id FROM workspace w WHERE w.deleted_at <= $1
AND NOT EXISTS (SELECT FROM project p WHERE p.workspace_id = w.id) LIMIT $2 FOR UPDATE SKIP LOCKED)`, now},
	} {
		n, err := a.sweep(ctx, s.sql, s.before)
		total += n
		if err != nil {
			return total, fmt.Errorf("sweep %s: %w", s.what, err)
		}
	}
	return total, nil
}

func (a *Accounts) sweep(ctx context.Context, sql string, before time.Time) (int, error) {
	total := 0
	for {
		done, err := a.db.Exec(ctx, sql, before, sweepBatch)
		if err != nil {
			return total, err
		}
		total += int(done.RowsAffected())
		if done.RowsAffected() < sweepBatch {
			return total, nil
		}
	}
}
