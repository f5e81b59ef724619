package event_test

import (
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
