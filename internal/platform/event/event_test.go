package event_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// noon is the instant of events whose instant does not matter.
func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// add appends one event with these data in a transaction of its own.
func add(t *testing.T, pool *pgxpool.Pool, stream event.Stream, at time.Time, data ...any) {
	t.Helper()
	drafts := make([]event.Draft, len(data))
	for i, d := range data {
		drafts[i] = event.Draft{Kind: "test.happened", Data: d}
	}
	err := db.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		return event.AppendTx(t.Context(), tx, stream, at, drafts...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// read returns a page of up to ten.
func read(t *testing.T, pool *pgxpool.Pool, stream event.Stream, after int64) event.Page {
	t.Helper()
	page, err := event.Read(t.Context(), pool, stream, after, 10)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestAppendAndRead(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	add(t, pool, "one", noon(), map[string]string{"text": "<a> \x00 é"}, nil)
	add(t, pool, "other", noon().Add(time.Second), []int{1})
	add(t, pool, "one", noon().Add(time.Minute), 3)
	first := event.Event{Stream: "one", Seq: 1, Kind: "test.happened", At: noon(), Data: []byte(`{"text":"\u003ca\u003e \u0000 é"}`)}
	second := event.Event{Stream: "one", Seq: 2, Kind: "test.happened", At: noon(), Data: []byte(`{}`)}
	third := event.Event{Stream: "one", Seq: 3, Kind: "test.happened", At: noon().Add(time.Minute), Data: []byte(`3`)}
	tests := []struct {
		name   string
		stream event.Stream
		after  int64
		want   event.Page
	}{
		{"all", "one", 0, event.Page{Events: []event.Event{first, second, third}, Next: 3, Last: 3}},
		{"after one", "one", 1, event.Page{Events: []event.Event{second, third}, Next: 3, Last: 3}},
		{"nothing new", "one", 3, event.Page{Next: 3, Last: 3}},
		{"from the future", "one", 4, event.Page{Reset: true, Events: []event.Event{first, second, third}, Next: 3, Last: 3}},
		{"no such stream", "none", 0, event.Page{}},
		{"no longer a stream", "none", 7, event.Page{Reset: true}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, read(t, pool, tt.stream, tt.after)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	long := strings.Repeat("x", 101)
	fine := event.Draft{Kind: "test.happened"}
	tests := []struct {
		name   string
		stream event.Stream
		drafts []event.Draft
		want   string // in the error; empty for none
	}{
		{"the longest names", event.Stream(long[:100]), []event.Draft{{Kind: long[:100]}}, ""},
		{"the largest data", "s", []event.Draft{{Kind: "k", Data: strings.Repeat("x", event.MaxData-2)}}, ""},
		{"no stream", "", []event.Draft{fine}, "cannot name a stream"},
		{"a long stream", event.Stream(long), []event.Draft{fine}, "cannot name a stream"},
		{"a space in the stream", "a b", []event.Draft{fine}, "cannot name a stream"},
		{"a line in the stream", "a\nb", []event.Draft{fine}, "cannot name a stream"},
		{"letters beyond ASCII in the stream", "é", []event.Draft{fine}, "cannot name a stream"},
		{"no events", "s", nil, "there are none"},
		{"no kind", "s", []event.Draft{fine, {}}, "cannot be the kind"},
		{"a long kind", "s", []event.Draft{{Kind: long}}, "cannot be the kind"},
		{"large data", "s", []event.Draft{{Kind: "k", Data: strings.Repeat("x", event.MaxData-1)}}, "keep it elsewhere"},
		{"data that is no JSON", "s", []event.Draft{{Kind: "k", Data: make(chan int)}}, "unsupported type"},
	}
	for _, tt := range tests {
		err := db.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			return event.AppendTx(t.Context(), tx, tt.stream, noon(), tt.drafts...)
		})
		if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if _, err := event.QueueTx(&pgx.Batch{}, tt.stream, noon(), tt.drafts...); (err == nil) != (tt.want == "") {
			t.Errorf("%s: QueueTx: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := event.NewHub(pool, slog.New(slog.DiscardHandler)).Subscribe("a b", 0); err == nil {
		t.Error("a stream that cannot be is followed")
	}
}

// A batch takes the same sequences in one round trip with other statements.
func TestQueue(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	err := db.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		var batch pgx.Batch
		for _, stream := range []event.Stream{"a", "b", "b"} {
			batch.Queue(`SELECT 1`)
			if _, err := event.QueueTx(&batch, stream, noon(), event.Draft{Kind: "k"}, event.Draft{Kind: "l"}); err != nil {
				return err
			}
		}
		return tx.SendBatch(t.Context(), &batch).Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[event.Stream]int64{"a": 2, "b": 4, "c": 0} {
		if got, err := event.Last(t.Context(), pool, stream); got != want || err != nil {
			t.Errorf("Last of %s = %d, %v; want %d", stream, got, err, want)
		}
	}
}

// What was rolled back, by us or by a session that died, leaves no gap, and the one
// that waited behind it goes on.
func TestRollback(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	add(t, pool, "one", noon(), 1)
	for name, end := range map[string]func(tx pgx.Tx) error{
		"rolled back": func(tx pgx.Tx) error { return tx.Rollback(t.Context()) },
		"killed": func(tx pgx.Tx) error {
			_, err := pool.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, tx.Conn().PgConn().PID())
			return errors.Join(err, tx.Conn().Close(t.Context()))
		},
	} {
		tx, err := pool.Begin(t.Context()) //nolint:unqueryvet // each ends in its own way
		if err != nil {
			t.Fatal(err)
		}
		if err := event.AppendTx(t.Context(), tx, "one", noon(), event.Draft{Kind: "k"}, event.Draft{Kind: "k"}); err != nil {
			t.Fatal(err)
		}
		before := read(t, pool, "one", 0).Last
		waiting := make(chan error, 1)
		go func() {
			waiting <- db.InTx(t.Context(), pool, func(tx pgx.Tx) error {
				return event.AppendTx(t.Context(), tx, "one", noon(), event.Draft{Kind: "k"})
			})
		}()
		if err := end(tx); err != nil {
			t.Fatal(err)
		}
		if err := <-waiting; err != nil {
			t.Fatal(err)
		}
		_ = tx.Rollback(t.Context()) // gives the connection back
		page := read(t, pool, "one", 0)
		if page.Last != before+1 || page.Events[len(page.Events)-1].Seq != page.Last || len(page.Events) != int(page.Last) {
			t.Errorf("%s: from %d to %d with %d events", name, before, page.Last, len(page.Events))
		}
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	for _, stream := range []event.Stream{"a", "b", "c"} {
		add(t, pool, stream, noon(), 1, 2)
	}
	err := db.InTx(t.Context(), pool, func(tx pgx.Tx) error { return event.ForgetTx(t.Context(), tx, "c", "a", "none") })
	if err != nil {
		t.Fatal(err)
	}
	for stream, want := range map[event.Stream]int{"a": 0, "b": 2, "c": 0} {
		if got := len(read(t, pool, stream, 0).Events); got != want {
			t.Errorf("%s has %d events, want %d", stream, got, want)
		}
	}
	add(t, pool, "a", noon(), 3)
	if page := read(t, pool, "a", 0); page.Last != 1 || page.Reset {
		t.Errorf("a begins anew at %d, reset %t", page.Last, page.Reset)
	}
}

// Large events come a few at a time.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	large := strings.Repeat("x", event.MaxData-2)
	for range 10 {
		add(t, pool, "large", noon(), large, large)
	}
	add(t, pool, "small", noon(), make([]any, 300)...)
	for stream, want := range map[event.Stream][]int{"large": {4, 4, 4, 4, 4}, "small": {200, 100}} {
		var got []int
		for cursor, last := int64(0), int64(1); cursor < last; {
			page, err := event.Read(t.Context(), pool, stream, cursor, event.MaxPage)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, len(page.Events))
			cursor, last = page.Next, page.Last
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %s (-want +got):\n%s", stream, diff)
		}
	}
}
