// Package idempotency remembers the answers of writes by a key the client chose,
// so that a request repeated after a lost connection is answered instead of done
// again.
//
// Terms. An owner is whose keys they are; the same key of two owners is two keys.
// A call is what was asked: method and address. A pending key belongs to a request
// that is running, or whose process died.
//
// Invariants. Of all requests with one owner and key, over all processes, one runs
// at a time and none after one that was answered, for 24 hours. A request that ended
// in a 5xx or 429 is forgotten and may run again; one whose process died may not,
// because nobody knows how far it came. Requests are kept as keyed marks and answers
// sealed. The rules follow the IETF draft "The Idempotency-Key HTTP Header Field".
package idempotency

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/seal"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// Keep is how long an answer is remembered.
	Keep = 24 * time.Hour
	// MaxKey is the greatest length of a key.
	MaxKey = 255

	purpose = "idempotency"
	// closing is how long writing down an answer may take once it is there.
	closing    = 5 * time.Second
	sweepBatch = 1000
)

// Config is what a Store needs.
type Config struct {
	DB    *pgxpool.Pool
	Clock clock.Clock
	Log   *slog.Logger
	Box   *seal.Box
	// Deadline is how long one request may run; a pending key older than this has
	// lost its process.
	Deadline time.Duration
}

// Store remembers answers. It is safe for concurrent use.
type Store struct{ cfg Config }

// New returns a Store over cfg.
func New(cfg Config) *Store { return &Store{cfg: cfg} }

// Request is one write with a key.
type Request struct {
	Owner string
	Key   string // 1–255 printable ASCII characters, else Do returns fault.Invalid
	Call  string // for example "POST /api/v1/projects"
	Body  []byte
	// Secret says that a good answer holds what is shown only once: it is not
	// kept, and whoever repeats the request is told so.
	Secret bool
}

// Answer is what a request was answered with.
type Answer struct {
	Status   int         `json:"status"`
	Header   http.Header `json:"header"` // those worth repeating
	Body     []byte      `json:"body"`
	Replayed bool        `json:"-"`                  // remembered from an earlier request
	Withheld bool        `json:"withheld,omitempty"` // it was secret; only Status is kept
}

// Do answers r: with run, or with what run answered to the same request before.
// run is given a context that outlives the client's connection and ends after
// Config.Deadline, so that a client that hangs up still finds its answer. Its 5xx
// and 429 answers are not remembered, nor is a panic, which passes through; but one
// that failed because its time was up may have been carried out all the same, and
// its key stays pending.
//
// fault.Invalid: the key is not one, or was used for something else (code
// idempotency_key_reused). fault.Conflict: the first request is still running (code
// idempotency_in_progress, worth retrying after RetryAfter), or it was cut off
// and its outcome is unknown (code idempotency_outcome_unknown), or it was answered
// with a secret (code answer_was_secret).
func (s *Store) Do(ctx context.Context, r Request, run func(context.Context) Answer) (Answer, error) {
	if err := checkKey(r.Key); err != nil {
		return Answer{}, err
	}
	now := s.cfg.Clock.Now()
	mark := s.cfg.Box.Mark(purpose, []byte(r.Call+"\x00"+string(r.Body)))
	// A row seen by one statement may be gone for the next, when its request
	// was just forgotten; the second round finds the place free or taken again.
	for range 3 {
		claimed, err := s.claim(ctx, r, mark, now)
		if err != nil {
			return Answer{}, err
		}
		if claimed {
			return s.run(ctx, r, run), nil
		}
		a, err := s.recall(ctx, r, mark, now)
		if !errors.Is(err, pgx.ErrNoRows) {
			return a, err
		}
	}
	return Answer{}, inProgress()
}

func checkKey(key string) error {
	ok := key != "" && len(key) <= MaxKey
	for i := range len(key) {
		ok = ok && key[i] >= ' ' && key[i] <= '~'
	}
	if !ok {
		return fault.OnField("Idempotency-Key", "Use 1 to 255 printable ASCII characters, once.")
	}
	return nil
}

const claimSQL = `
INSERT INTO idempotency (owner, key, request, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (owner, key) DO UPDATE
SET request = excluded.request, status = NULL, answer = NULL,
    created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE idempotency.expires_at <= excluded.created_at`

// claim takes the key if it is free or has expired.
func (s *Store) claim(ctx context.Context, r Request, mark []byte, now time.Time) (bool, error) {
	tag, err := s.cfg.DB.Exec(ctx, claimSQL, r.Owner, r.Key, mark, now, now.Add(Keep))
	if err != nil {
		return false, fmt.Errorf("claim idempotency key: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

const recallSQL = `SELECT request = $3 AS same, answer, created_at FROM idempotency WHERE owner = $1 AND key = $2`

type row struct {
	Same      bool
	Answer    []byte
	CreatedAt time.Time
}

// recall returns the answer kept under the key, a fault that says why there is
// none, or pgx.ErrNoRows when the key has become free.
func (s *Store) recall(ctx context.Context, r Request, mark []byte, now time.Time) (Answer, error) {
	rows, err := s.cfg.DB.Query(ctx, recallSQL, r.Owner, r.Key, mark)
	if err != nil {
		return Answer{}, fmt.Errorf("recall idempotency key: %w", err)
	}
	kept, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if err != nil {
		return Answer{}, fmt.Errorf("recall idempotency key: %w", err)
	}
	switch {
	case !kept.Same:
		return Answer{}, fault.New(fault.Invalid, "idempotency_key_reused",
			"This Idempotency-Key was used for another request. Use a new key for a new request.").
			WithField("Idempotency-Key", "Already used for another request.")
	case kept.Answer != nil:
		return s.unseal(r, kept.Answer)
	case now.Sub(kept.CreatedAt) > s.cfg.Deadline+closing:
		return Answer{}, outcomeUnknown()
	}
	return Answer{}, inProgress()
}

func inProgress() *fault.Error {
	return fault.New(fault.Conflict, "idempotency_in_progress",
		"The first request with this Idempotency-Key is still running. Ask again in a moment.").
		WithRetry(time.Second)
}

func outcomeUnknown() *fault.Error {
	return fault.New(fault.Conflict, "idempotency_outcome_unknown",
		"The first request with this Idempotency-Key was cut off before its answer was written down. "+
			"Look whether it took effect; if it did not, send it again with a new key.")
}

// run carries out a claimed request and writes its answer down.
func (s *Store) run(ctx context.Context, r Request, run func(context.Context) Answer) Answer {
	settled := context.WithoutCancel(ctx)
	returned := false
	defer func() {
		if !returned {
			s.forget(settled, r)
		}
	}()
	limited, cancel := context.WithTimeout(settled, s.cfg.Deadline)
	defer cancel()
	a := run(limited)
	returned = true
	switch {
	case a.Status < http.StatusInternalServerError && a.Status != http.StatusTooManyRequests:
		kept := a
		if r.Secret && a.Status < http.StatusMultipleChoices {
			kept = Answer{Status: a.Status, Withheld: true}
		}
		s.remember(settled, r, kept)
	case limited.Err() == nil:
		s.forget(settled, r)
	}
	return a
}

const rememberSQL = `UPDATE idempotency SET status = $3, answer = $4 WHERE owner = $1 AND key = $2`

// remember keeps the answer. When that fails the key stays pending, and a
// repeated request is told that the outcome is unknown: the write is not done twice.
func (s *Store) remember(ctx context.Context, r Request, a Answer) {
	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	plain, err := json.Marshal(a)
	if err == nil {
		sealed := s.cfg.Box.Seal(purpose, plain, binding(r))
		_, err = s.cfg.DB.Exec(ctx, rememberSQL, r.Owner, r.Key, a.Status, sealed)
	}
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "idempotent answer not kept", "err", err)
	}
}

const forgetSQL = `DELETE FROM idempotency WHERE owner = $1 AND key = $2`

// forget frees the key. When that fails it stays pending, as in remember.
func (s *Store) forget(ctx context.Context, r Request) {
	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	if _, err := s.cfg.DB.Exec(ctx, forgetSQL, r.Owner, r.Key); err != nil {
		s.cfg.Log.ErrorContext(ctx, "idempotency key not freed", "err", err)
	}
}

func (s *Store) unseal(r Request, sealed []byte) (Answer, error) {
	plain, err := s.cfg.Box.Open(purpose, sealed, binding(r))
	if err != nil {
		return Answer{}, outcomeUnknown().Because(err)
	}
	a := Answer{Replayed: true}
	if err := json.Unmarshal(plain, &a); err != nil {
		return Answer{}, outcomeUnknown().Because(err)
	}
	if a.Withheld {
		return Answer{}, fault.New(fault.Conflict, "answer_was_secret", "It was made; its secret was shown only once.")
	}
	return a, nil
}

// binding ties a sealed answer to its row.
func binding(r Request) []byte { return []byte(r.Owner + "\x00" + r.Key) }

const sweepSQL = `
DELETE FROM idempotency WHERE (owner, key) IN (
    SELECT owner, key FROM idempotency WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`

// Sweep removes what has expired, a batch at a time, and returns how many rows. Any
// process may call it at any time.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	for total := 0; ; {
		tag, err := s.cfg.DB.Exec(ctx, sweepSQL, s.cfg.Clock.Now(), sweepBatch)
		if err != nil {
			return total, fmt.Errorf("sweep idempotency keys: %w", err)
		}
		total += int(tag.RowsAffected())
		if tag.RowsAffected() < sweepBatch {
			return total, nil
		}
	}
}
