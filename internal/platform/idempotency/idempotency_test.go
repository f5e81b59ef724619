package idempotency_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/idempotency"
	"cofounder/internal/platform/seal"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const deadline = 30 * time.Second

var (
	secret = strings.Repeat("0123", 8)
	start  = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	create = idempotency.Request{Owner: "team/ann", Key: "k-1", Call: "POST /things", Body: []byte(`{"name":"a"}`)}
	made   = idempotency.Answer{Status: 201, Header: http.Header{"Location": {"/things/1"}}, Body: []byte(`{"secret":"cof_1"}`)}
)

type world struct {
	store *idempotency.Store
	db    *pgxpool.Pool
	clock *clock.Manual
	log   *bytes.Buffer
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{db: dbtest.New(t), clock: clock.NewManual(start), log: &bytes.Buffer{}}
	w.store = w.another(t, secret)
	return w
}

// another returns a second process's store on the same database.
func (w *world) another(t *testing.T, s string) *idempotency.Store {
	t.Helper()
	box, err := seal.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return idempotency.New(idempotency.Config{
		DB: w.db, Clock: w.clock, Box: box, Deadline: deadline, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
}

func (w *world) rows(t *testing.T) int {
	t.Helper()
	var n int
	if err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM idempotency`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// answering counts how often it ran.
func answering(n *atomic.Int64, a idempotency.Answer) func(context.Context) idempotency.Answer {
	return func(context.Context) idempotency.Answer {
		n.Add(1)
		return a
	}
}

func unexpected(t *testing.T) func(context.Context) idempotency.Answer {
	t.Helper()
	return func(context.Context) idempotency.Answer {
		t.Error("the request was carried out again")
		return idempotency.Answer{Status: 200}
	}
}

// refused checks err's kind and code.
func refused(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Kind != kind || f.Code != code {
		t.Fatalf("error = %v, want %v %s", err, kind, code)
	}
}

func TestRepeatedRequestIsAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	w := open(t)
	var ran atomic.Int64
	first, err := w.store.Do(t.Context(), create, answering(&ran, made))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, first); diff != "" {
		t.Errorf("first answer (-want +got)\n%s", diff)
	}
	w.clock.Advance(idempotency.Keep - time.Second)
	again, err := w.another(t, secret).Do(t.Context(), create, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	want := made
	want.Replayed = true
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("second answer (-want +got)\n%s", diff)
	}
	if ran.Load() != 1 {
		t.Errorf("ran %d times, want 1", ran.Load())
	}
}

func TestKeyIsForOneRequestOfOneOwner(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		next func(idempotency.Request) idempotency.Request
		code string // empty: carried out as a request of its own
	}{
		{"another body", func(r idempotency.Request) idempotency.Request { r.Body = []byte(`{"name":"b"}`); return r }, "idempotency_key_reused"},
		{"no body", func(r idempotency.Request) idempotency.Request { r.Body = nil; return r }, "idempotency_key_reused"},
		{"another call", func(r idempotency.Request) idempotency.Request { r.Call = "POST /others"; return r }, "idempotency_key_reused"},
		{"bytes moved from body to call", func(r idempotency.Request) idempotency.Request {
			r.Call, r.Body = r.Call+string(r.Body[:1]), r.Body[1:]
			return r
		}, "idempotency_key_reused"},
		{"another owner", func(r idempotency.Request) idempotency.Request { r.Owner = "team/bob"; return r }, ""},
		{"another key", func(r idempotency.Request) idempotency.Request { r.Key = "K-1"; return r }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			var ran atomic.Int64
			if _, err := w.store.Do(t.Context(), create, answering(&ran, made)); err != nil {
				t.Fatal(err)
			}
			got, err := w.store.Do(t.Context(), tt.next(create), answering(&ran, idempotency.Answer{Status: 200}))
			if tt.code != "" {
				refused(t, err, fault.Invalid, tt.code)
				if ran.Load() != 1 {
					t.Error("the other request was carried out")
				}
				return
			}
			if err != nil || got.Status != 200 || got.Replayed || ran.Load() != 2 {
				t.Errorf("Do = %+v, %v after %d runs; want a fresh 200 after 2", got, err, ran.Load())
			}
		})
	}
}

func TestKeyMustBePrintable(t *testing.T) {
	t.Parallel()
	w := open(t)
	for name, key := range map[string]string{
		"empty": "", "too long": strings.Repeat("k", idempotency.MaxKey+1), "control": "a\nb", "not ASCII": "schlüssel", "delete": "a\x7f",
	} {
		r := create
		r.Key = key
		_, err := w.store.Do(t.Context(), r, unexpected(t))
		refused(t, err, fault.Invalid, "invalid")
		if f := fault.Of(err); len(f.Fields) != 1 || f.Fields[0].Name != "Idempotency-Key" {
			t.Errorf("%s: fields = %v", name, f.Fields)
		}
	}
	if n := w.rows(t); n != 0 {
		t.Errorf("%d rows left", n)
	}
	var ran atomic.Int64
	for _, key := range []string{"k", strings.Repeat("~", idempotency.MaxKey), "with space"} {
		r := create
		r.Key = key
		if _, err := w.store.Do(t.Context(), r, answering(&ran, made)); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	if ran.Load() != 3 {
		t.Errorf("ran %d times, want 3", ran.Load())
	}
}

func TestPassingFailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	for status, remembered := range map[int]bool{
		200: true, 204: true, 404: true, 409: true, 422: true, 429: false, 500: false, 503: false,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			var ran atomic.Int64
			for range 2 {
				if _, err := w.store.Do(t.Context(), create, answering(&ran, idempotency.Answer{Status: status})); err != nil {
					t.Fatal(err)
				}
			}
			if got := ran.Load() == 1; got != remembered {
				t.Errorf("remembered = %v, want %v", got, remembered)
			}
		})
	}
}

func TestPanicFreesTheKey(t *testing.T) {
	t.Parallel()
	w := open(t)
	func() {
		defer func() {
			if p := recover(); p != "boom" {
				t.Errorf("recovered %v, want boom", p)
			}
		}()
		a, err := w.store.Do(t.Context(), create, func(context.Context) idempotency.Answer { panic("boom") })
		t.Errorf("Do returned %+v, %v", a, err)
	}()
	if n := w.rows(t); n != 0 {
		t.Errorf("%d rows left", n)
	}
}

func TestRunningAndCutOff(t *testing.T) {
	t.Parallel()
	w := open(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := w.store.Do(t.Context(), create, func(context.Context) idempotency.Answer {
			close(inside)
			<-leave
			return made
		})
		done <- err
	}()
	<-inside

	other := w.another(t, secret)
	_, err := other.Do(t.Context(), create, unexpected(t))
	refused(t, err, fault.Conflict, "idempotency_in_progress")
	if fault.Of(err).RetryAfter <= 0 {
		t.Error("does not say when to ask again")
	}
	different := create
	different.Body = []byte(`{}`)
	_, err = other.Do(t.Context(), different, unexpected(t))
	refused(t, err, fault.Invalid, "idempotency_key_reused")

	// For the others a request that exceeds its deadline is one whose process died.
	w.clock.Advance(deadline + 6*time.Second)
	_, err = other.Do(t.Context(), create, unexpected(t))
	refused(t, err, fault.Conflict, "idempotency_outcome_unknown")

	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got, err := other.Do(t.Context(), create, unexpected(t)); err != nil || !got.Replayed {
		t.Errorf("Do = %+v, %v; want the remembered answer", got, err)
	}
}

// A client that hangs up must find its answer: the request goes on without it.
func TestHangingUpDoesNotCancel(t *testing.T) {
	t.Parallel()
	w := open(t)
	ctx, hangUp := context.WithCancel(t.Context())
	_, err := w.store.Do(ctx, create, func(ctx context.Context) idempotency.Answer {
		hangUp()
		if ctx.Err() != nil {
			t.Error("the request was cancelled")
		}
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the request has no deadline")
		}
		return made
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.store.Do(t.Context(), create, unexpected(t)); err != nil || !got.Replayed {
		t.Errorf("Do = %+v, %v; want the remembered answer", got, err)
	}
}

// A request that ran out of time may have committed, so it must not run again.
func TestOutOfTimeIsUnknown(t *testing.T) {
	t.Parallel()
	w := open(t)
	box, err := seal.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	hasty := idempotency.New(idempotency.Config{DB: w.db, Clock: w.clock, Box: box, Deadline: time.Nanosecond, Log: slog.New(slog.DiscardHandler)})
	_, err = hasty.Do(t.Context(), create, func(ctx context.Context) idempotency.Answer {
		<-ctx.Done()
		return idempotency.Answer{Status: http.StatusInternalServerError}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	_, err = w.store.Do(t.Context(), create, unexpected(t))
	refused(t, err, fault.Conflict, "idempotency_outcome_unknown")
}

func TestManyAtOnceRunOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	stores := []*idempotency.Store{w.store, w.another(t, secret)}
	const clients = 50
	var ran, fresh, replayed atomic.Int64
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			<-begin
			for {
				a, err := stores[i%2].Do(t.Context(), create, answering(&ran, made))
				if f := fault.Of(err); f != nil && f.Code == "idempotency_in_progress" {
					continue
				}
				switch {
				case err != nil:
					t.Error(err)
				case !bytes.Equal(a.Body, made.Body):
					t.Errorf("body = %s", a.Body)
				case a.Replayed:
					replayed.Add(1)
				default:
					fresh.Add(1)
				}
				return
			}
		})
	}
	close(begin)
	all.Wait()
	if ran.Load() != 1 || fresh.Load() != 1 || replayed.Load() != clients-1 {
		t.Errorf("ran %d, fresh %d, replayed %d; want 1, 1, %d", ran.Load(), fresh.Load(), replayed.Load(), clients-1)
	}
}

// Failing requests free the key for the next, but never two at a time.
func TestManyFailingRunOneByOne(t *testing.T) {
	t.Parallel()
	w := open(t)
	var inside, most, ran atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := w.store.Do(t.Context(), create, func(context.Context) idempotency.Answer {
				most.Store(max(most.Load(), inside.Add(1)))
				defer inside.Add(-1)
				ran.Add(1)
				return idempotency.Answer{Status: http.StatusServiceUnavailable}
			})
			if f := fault.Of(err); err != nil && (f == nil || f.Code != "idempotency_in_progress") {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d ran at once, want 1", most.Load())
	}
	if ran.Load() == 0 || w.rows(t) != 0 {
		t.Errorf("ran %d, %d rows left", ran.Load(), w.rows(t))
	}
}
