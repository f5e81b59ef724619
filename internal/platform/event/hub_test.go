package event_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"

	"github.com/jackc/pgx/v5/pgxpool"
)

// patience is how long a test waits for what must come, not how long it may take.
const patience = 30 * time.Second

// run lets a hub work until the test ends, and returns once it listens.
func run(t *testing.T, h *event.Hub) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	select {
	case <-h.Ready():
	case <-time.After(patience):
		t.Fatal("the hub does not listen")
	}
}

// hub returns one that runs over pool.
func hub(t *testing.T, pool *pgxpool.Pool) *event.Hub {
	t.Helper()
	h := event.NewHub(pool, slog.New(slog.DiscardHandler))
	run(t, h)
	return h
}

// logBook is a log that many goroutines write to.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBook) says(text string) bool { return strings.Contains(l.String(), text) }

// follow subscribes until the test ends.
func follow(t *testing.T, h *event.Hub, stream event.Stream, after int64) *event.Subscription {
	t.Helper()
	s, err := h.Subscribe(stream, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// next returns the next page, which must come.
func next(t *testing.T, s *event.Subscription) event.Page {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	page, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// Two hubs are two processes: what one commits, both tell.
func TestFollow(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	here, there := hub(t, pool), hub(t, pool)
	for stream, h := range map[event.Stream]*event.Hub{"the_one_that_commits": here, "another": there} {
		t.Run(string(stream), func(t *testing.T) {
			t.Parallel()
			add(t, pool, stream, noon(), 1, 2)
			s := follow(t, h, stream, 0)
			for seen := int64(0); seen < 10; {
				for _, e := range next(t, s).Events {
					if seen++; e.Seq != seen {
						t.Fatalf("got event %d, want %d", e.Seq, seen)
					}
				}
				add(t, pool, stream, noon(), seen)
				here.Wake(stream)
			}
		})
	}
}
