package idempotency_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/idempotency"
	"cofounder/internal/platform/seal"

	"github.com/google/go-cmp/cmp"
)

func TestExpiredKeyIsFreeAndSwept(t *testing.T) {
	t.Parallel()
	w := open(t)
	var ran atomic.Int64
	do := func(key string) {
		t.Helper()
		r := create
		r.Key = key
		if _, err := w.store.Do(t.Context(), r, answering(&ran, made)); err != nil {
			t.Fatal(err)
		}
	}
	do("old")
	do("taken again")
	w.clock.Advance(idempotency.Keep)
	do("taken again")
	do("new")
	if ran.Load() != 4 {
		t.Errorf("ran %d times, want 4", ran.Load())
	}
	for _, want := range []int{1, 0} {
		if n, err := w.store.Sweep(t.Context()); err != nil || n != want {
			t.Errorf("Sweep = %d, %v; want %d", n, err, want)
		}
	}
	if n := w.rows(t); n != 2 {
		t.Errorf("%d rows left, want 2", n)
	}
}

func TestSweepRemovesAllBatches(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, err := w.db.Exec(t.Context(), `
INSERT INTO idempotency (owner, key, request, created_at, expires_at)
SELECT 'o', i::text, '\x00', $1, $1 FROM generate_series(1, 2500) i`, start)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.store.Sweep(t.Context()); err != nil || n != 2500 {
		t.Errorf("Sweep = %d, %v; want 2500", n, err)
	}
}

func TestNothingReadableIsStored(t *testing.T) {
	t.Parallel()
	w := open(t)
	var ran atomic.Int64
	if _, err := w.store.Do(t.Context(), create, answering(&ran, made)); err != nil {
		t.Fatal(err)
	}
	var row string
	if err := w.db.QueryRow(t.Context(), `SELECT encode(request, 'escape') || encode(answer, 'escape') FROM idempotency`).Scan(&row); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"cof_1", `"name"`, "/things"} {
		if strings.Contains(row, part) {
			t.Errorf("%q can be read in the row", part)
		}
	}

	// With the secret lost the request cannot be recognised, so it is not repeated.
	_, err := w.another(t, strings.Repeat("lost", 8)).Do(t.Context(), create, unexpected(t))
	refused(t, err, fault.Invalid, "idempotency_key_reused")
	// A row moved to another key does not open there.
	if _, err := w.db.Exec(t.Context(), `UPDATE idempotency SET owner = 'team/eve'`); err != nil {
		t.Fatal(err)
	}
	moved := create
	moved.Owner = "team/eve"
	_, err = w.store.Do(t.Context(), moved, unexpected(t))
	refused(t, err, fault.Conflict, "idempotency_outcome_unknown")
}

// When the answer cannot be kept the client still gets it, and a repetition is not
// carried out.
func TestAnswerThatCannotBeKept(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, err := w.db.Exec(t.Context(), `ALTER TABLE idempotency ADD CONSTRAINT full_disk CHECK (answer IS NULL)`)
	if err != nil {
		t.Fatal(err)
	}
	var ran atomic.Int64
	if got, err := w.store.Do(t.Context(), create, answering(&ran, made)); err != nil || got.Status != 201 {
		t.Fatalf("Do = %+v, %v; want the answer", got, err)
	}
	if !strings.Contains(w.log.String(), "idempotent answer not kept") {
		t.Error("nothing in the log")
	}
	_, err = w.store.Do(t.Context(), create, unexpected(t))
	refused(t, err, fault.Conflict, "idempotency_in_progress")
}

func TestDatabaseFailureCarriesNothingOut(t *testing.T) {
	t.Parallel()
	w := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.store.Do(ctx, create, unexpected(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

// What is shown only once is not kept, not even sealed; that it was made is.
func TestSecretAnswerIsNotKept(t *testing.T) {
	t.Parallel()
	w := open(t)
	var ran atomic.Int64
	r := create
	r.Secret = true
	first, err := w.store.Do(t.Context(), r, answering(&ran, made))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, first); diff != "" {
		t.Errorf("first answer (-want +got)\n%s", diff)
	}
	_, err = w.store.Do(t.Context(), r, unexpected(t))
	refused(t, err, fault.Conflict, "answer_was_secret")
	var sealed []byte
	if err := w.db.QueryRow(t.Context(), `SELECT answer FROM idempotency`).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if box, err := seal.New(secret); err != nil {
		t.Fatal(err)
	} else if plain, err := box.Open("idempotency", sealed, []byte(r.Owner+"\x00"+r.Key)); err != nil || bytes.Contains(plain, []byte("cof_1")) || bytes.Contains(plain, []byte("Body\":\"")) {
		t.Errorf("kept %s, %v", plain, err)
	}

	r.Key = "k-2" // a refusal holds no secret
	wrong := idempotency.Answer{Status: 422, Header: http.Header{}, Body: []byte(`{}`)}
	for range 2 {
		if got, err := w.store.Do(t.Context(), r, answering(&ran, wrong)); err != nil || got.Status != 422 {
			t.Errorf("refusal: %d, %v", got.Status, err)
		}
	}
	if ran.Load() != 2 {
		t.Errorf("ran %d times, want once for each key", ran.Load())
	}
}
