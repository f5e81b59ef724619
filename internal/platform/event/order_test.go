package event_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pools opens the same database as several processes would.
func pools(t *testing.T, n int) []*pgxpool.Pool {
	t.Helper()
	address := dbtest.URL(t)
	var all []*pgxpool.Pool
	for i := range n {
		pool, err := db.Open(t.Context(), address, db.Options{Name: fmt.Sprint("process ", i), MaxConns: 6})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		all = append(all, pool)
	}
	return all
}

var errChanged = errors.New("changed my mind")

// writer appends at random to some streams in one transaction each time, and now and
// then thinks better of it or is killed.
type writer struct {
	pool    *pgxpool.Pool
	hub     *event.Hub
	streams []event.Stream
	rand    *rand.Rand
	written map[event.Stream]int
}

func (w *writer) once(ctx context.Context) error {
	chosen := map[event.Stream]int{}
	for range 1 + w.rand.IntN(3) {
		chosen[w.streams[w.rand.IntN(len(w.streams))]] = 1 + w.rand.IntN(4)
	}
	names := make([]event.Stream, 0, len(chosen))
	for s := range chosen {
		names = append(names, s)
	}
	slices.Sort(names)
	fate := w.rand.IntN(8)
	err := db.InTx(ctx, w.pool, func(tx pgx.Tx) error {
		for _, s := range names {
			drafts := slices.Repeat([]event.Draft{{Kind: "test.happened"}}, chosen[s])
			if err := event.AppendTx(ctx, tx, s, noon(), drafts...); err != nil {
				return err
			}
		}
		switch fate {
		case 0:
			return errChanged
		case 1:
			_, err := tx.Exec(ctx, `SELECT pg_terminate_backend(pg_backend_pid())`)
			return errors.Join(errChanged, err)
		}
		return nil
	})
	if errors.Is(err, errChanged) {
		return nil
	}
	if err == nil {
		for _, s := range names {
			w.written[s] += chosen[s]
		}
		if fate != 2 { // who forgets to wake is found out
			w.hub.Wake(names...)
		}
	}
	return err
}

// reader follows one stream and comes back again and again: at once or through another
// process, at its last cursor.
type reader struct {
	hubs   []*event.Hub
	stream event.Stream
	rand   *rand.Rand
	seen   int64
}

// until reads up to a sequence and fails on a gap, a double or a reset.
func (r *reader) until(ctx context.Context, last int64) error {
	for r.seen < last {
		s, err := r.hubs[r.rand.IntN(len(r.hubs))].Subscribe(r.stream, r.seen)
		if err != nil {
			return err
		}
		for range 1 + r.rand.IntN(4) {
			if r.seen >= last {
				break
			}
			page, err := s.Next(ctx)
			if err != nil {
				return fmt.Errorf("%s after %d of %d: %w", r.stream, r.seen, last, err)
			}
			for _, e := range page.Events {
				if r.seen++; e.Seq != r.seen || page.Reset {
					return fmt.Errorf("%s: got event %d, reset %t; want %d", r.stream, e.Seq, page.Reset, r.seen)
				}
			}
			if page.Next != r.seen {
				return fmt.Errorf("%s: the page ends at %d and says %d", r.stream, r.seen, page.Next)
			}
		}
		s.Close()
	}
	return nil
}

// Many processes append to many streams; whoever reads, from wherever, sees every
// event once and in order, while it is written and afterwards.
func TestOrderIsTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	const processes, writers, times = 3, 4, 25
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	all := pools(t, processes)
	streams := []event.Stream{"a", "b", "c", "d", "e"}
	var hubs []*event.Hub
	for _, pool := range all {
		hubs = append(hubs, hub(t, pool))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	errs := make(chan error, processes*writers+2*len(streams))
	var writing, reading sync.WaitGroup
	wrote := make(chan *writer, processes*writers)
	for i := range processes * writers {
		w := &writer{
			pool: all[i%processes], hub: hubs[i%processes], streams: streams,
			rand: rand.New(rand.NewPCG(seed, uint64(i))), written: map[event.Stream]int{},
		}
		writing.Go(func() {
			for range times {
				if err := w.once(ctx); err != nil {
					errs <- err
				}
			}
			wrote <- w
		})
	}
	readers := make(chan *reader, 2*len(streams))
	for i := range 2 * len(streams) {
		r := &reader{hubs: hubs, stream: streams[i%len(streams)], rand: rand.New(rand.NewPCG(seed, uint64(1000+i)))}
		reading.Go(func() {
			// Every stream gets far more than this while it is written.
			if err := r.until(ctx, 20); err != nil {
				errs <- err
			}
			readers <- r
		})
	}
	writing.Wait()
	reading.Wait()
	close(wrote)
	close(readers)
	written := map[event.Stream]int64{}
	for w := range wrote {
		for s, n := range w.written {
			written[s] += int64(n)
		}
	}
	for r := range readers {
		if err := r.until(ctx, written[r.stream]); err != nil {
			t.Error(err)
		}
	}
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	for _, s := range streams {
		last, err := event.Last(ctx, all[0], s)
		if err != nil || last != written[s] {
			t.Errorf("%s ends at %d, %v; %d were committed", s, last, err, written[s])
		}
	}
}
