package event_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"

	"pgregory.net/rapid"
)

// kept is what a stream should look like: the instants of all events ever, of which
// those above floor are still there.
type kept struct {
	at    []time.Time
	floor int
}

// trim is what Trim should do.
func (k *kept) trim(keep event.Keep) {
	floor := k.floor
	if keep.Events > 0 {
		floor = max(floor, len(k.at)-keep.Events)
	}
	if !keep.Since.IsZero() {
		young := slices.IndexFunc(k.at[k.floor:], func(at time.Time) bool { return !at.Before(keep.Since) })
		if young < 0 {
			floor = len(k.at)
		} else {
			floor = max(floor, k.floor+young)
		}
	}
	k.floor = floor
}

// Whatever is appended and trimmed: the floor is where it should be, what is above it
// is there without a gap, and a reader is told when it missed something.
func TestTrimLikeItsModel(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	worlds := 0
	rapid.Check(t, func(rt *rapid.T) {
		worlds++
		model := map[event.Stream]*kept{}
		for i := range 3 {
			model[event.Stream(fmt.Sprintf("w%d_%d", worlds, i))] = &kept{}
		}
		names := slices.Sorted(func(yield func(event.Stream) bool) {
			for s := range model {
				if !yield(s) {
					return
				}
			}
		})
		now := noon().Add(time.Duration(worlds) * 1000 * time.Hour) // worlds before are older than all kept
		stream := rapid.SampledFrom(names)
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				// Clocks of processes differ by a little.
				at := now.Add(time.Duration(rapid.IntRange(-3, 3).Draw(rt, "skew")) * time.Minute)
				name := stream.Draw(rt, "stream")
				n := rapid.IntRange(1, 20).Draw(rt, "events")
				add(t, pool, name, at, make([]any, n)...)
				model[name].at = append(model[name].at, slices.Repeat([]time.Time{at}, n)...)
				now = now.Add(time.Minute)
			},
			"trim": func(rt *rapid.T) {
				keep := event.Keep{Events: rapid.IntRange(0, 25).Draw(rt, "keep")}
				if rapid.Bool().Draw(rt, "by age") {
					keep.Since = now.Add(-time.Duration(rapid.IntRange(0, 10).Draw(rt, "minutes")) * time.Minute)
				}
				if _, err := event.Trim(t.Context(), pool, keep); err != nil {
					rt.Fatal(err)
				}
				for _, k := range model {
					k.trim(keep)
				}
			},
			"": func(rt *rapid.T) {
				for name, k := range model {
					cursor := rapid.IntRange(0, len(k.at)+1).Draw(rt, "cursor")
					page, err := event.Read(t.Context(), pool, name, int64(cursor), event.MaxPage)
					if err != nil {
						rt.Fatal(err)
					}
					first := cursor
					if cursor < k.floor || cursor > len(k.at) {
						first = k.floor
					}
					if reset := first != cursor; page.Reset != reset || len(page.Events) != len(k.at)-first || page.Next != int64(len(k.at)) {
						rt.Fatalf("%s after %d: reset %t, %d events up to %d; want reset %t, %d up to %d (floor %d)",
							name, cursor, page.Reset, len(page.Events), page.Next, reset, len(k.at)-first, len(k.at), k.floor)
					}
					for i, e := range page.Events {
						if e.Seq != int64(first+i+1) || !e.At.Equal(k.at[first+i]) {
							rt.Fatalf("%s: event %d is %d of %s, want %d of %s", name, i, e.Seq, e.At, first+i+1, k.at[first+i])
						}
					}
				}
			},
		})
	})
}

// Trim takes long streams and many streams in pieces, counts what it removed, and two
// at once remove everything once.
func TestTrimInPieces(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	const streams, each = 700, 3
	if _, err := pool.Exec(t.Context(), `
		INSERT INTO event_stream (stream, last) SELECT 's' || i, $1 FROM generate_series(1, $2) i`, each, streams); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `
		INSERT INTO event (stream, seq, kind, at, data)
		SELECT 's' || i, n, 'k', $3, '{}' FROM generate_series(1, $2) i, generate_series(1, $1) n`, each, streams, noon()); err != nil {
		t.Fatal(err)
	}
	add(t, pool, "long", noon(), make([]any, 1234)...)
	counts, errs := make(chan int, 2), make(chan error, 2)
	for range 2 {
		go func() {
			n, err := event.Trim(t.Context(), pool, event.Keep{Events: 1})
			counts <- n
			errs <- err
		}()
	}
	total := 0
	for range 2 {
		total += <-counts
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if want := streams*(each-1) + 1233; total != want {
		t.Errorf("two trims removed %d, want %d together", total, want)
	}
	var left int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM event`).Scan(&left); err != nil || left != streams+1 {
		t.Errorf("%d events are left, %v; want one of each stream", left, err)
	}
}
