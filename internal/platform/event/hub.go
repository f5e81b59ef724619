package event

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// lookPace is the least time between two looks for new events, so that what
	// happens close together is read together.
	lookPace = 20 * time.Millisecond
	// lookDeaf and lookAnyway are how often a hub looks without having been woken:
	// while it cannot listen, and otherwise.
	lookDeaf   = 250 * time.Millisecond
	lookAnyway = 4 * lookDeaf
	// lookAtOnce is the most streams of one look.
	lookAtOnce = 500
	// mostReads is how many subscriptions read at once, so that many that come back
	// together leave connections to others.
	mostReads = 4
)

// ErrStopped ends the subscriptions of a hub that stopped.
var ErrStopped = errors.New("the hub has stopped")

// Hub follows streams for a process. Make one with NewHub; it is safe for
// concurrent use. Until Run, and after it, wake-ups go nowhere.
type Hub struct {
	db    *pgxpool.Pool
	log   *slog.Logger
	name  string        // tells our own notifications from those of others
	reads chan struct{} // as many as may read at once
	look  chan struct{} // something is in woken
	tell  chan struct{} // something is in untold
	ready chan struct{} // closed once it listens

	// What does not work at the moment, each used by one goroutine.
	deaf, mute, blind trouble

	mu     sync.Mutex
	state  hubState
	hears  bool
	began  bool // ready is closed
	topics map[Stream]*topic
	woken  map[Stream]struct{} // topics to look at
	untold map[Stream]struct{} // streams other processes were not told of yet
	counts counts
}

type hubState uint8

const (
	hubNew hubState = iota
	hubRuns
	hubStopped
)

// NewHub returns a hub over the pool.
func NewHub(db *pgxpool.Pool, log *slog.Logger) *Hub {
	return &Hub{
		db: db, log: log, name: rand.Text()[:10],
		reads: make(chan struct{}, mostReads), look: make(chan struct{}, 1), tell: make(chan struct{}, 1), ready: make(chan struct{}),
		deaf: trouble{what: "listen for events"}, mute: trouble{what: "tell of events"}, blind: trouble{what: "look for events"},
		topics: map[Stream]*topic{}, woken: map[Stream]struct{}{}, untold: map[Stream]struct{}{},
	}
}

// Run listens, looks and tells until ctx ends, then ends all subscriptions. It may
// be called once.
func (h *Hub) Run(ctx context.Context) {
	h.mu.Lock()
	h.state = hubRuns
	h.mu.Unlock()
	var parts sync.WaitGroup
	parts.Go(func() { h.listen(ctx) })
	parts.Go(func() { h.announce(ctx) })
	h.watch(ctx)
	parts.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = hubStopped
	for _, t := range h.topics {
		for s := range t.subs {
			s.end(ErrStopped)
		}
	}
}

// Ready is closed once the hub has begun to listen: from then on it is told at once.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Wake tells that events were committed to streams, here and in every other process.
// It returns at once. Call it after the commit; who does not is found out within a
// second.
func (h *Hub) Wake(streams ...Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != hubRuns {
		return
	}
	h.wakeHere(streams)
	for _, s := range streams {
		h.untold[s] = struct{}{}
	}
	nudge(h.tell)
}

// wakeHere marks the streams that somebody follows. h.mu is held.
func (h *Hub) wakeHere(streams []Stream) {
	for _, s := range streams {
		if h.topics[s] != nil {
			h.woken[s] = struct{}{}
			nudge(h.look)
		}
	}
}

// wakeAll marks everything that is followed.
func (h *Hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.topics {
		h.woken[s] = struct{}{}
		nudge(h.look)
	}
}

// nudge leaves word in a channel of capacity one.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// watch looks at what was woken, and now and then at everything.
func (h *Hub) watch(ctx context.Context) {
	tick := time.NewTicker(lookDeaf)
	defer tick.Stop()
	ticks := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if ticks++; ticks < int(lookAnyway/lookDeaf) && h.listening() {
				continue
			}
			ticks = 0
			h.wakeAll()
		case <-h.look:
			h.blind.report(ctx, h.log, h.lookAtWoken(ctx))
			if !pause(ctx, lookPace) {
				return
			}
		}
	}
}

// pause waits for d and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *Hub) listening() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hears
}

// lookAtWoken reads what is new in the woken streams. What it could not read is
// found by the next look at everything.
func (h *Hub) lookAtWoken(ctx context.Context) error {
	streams, heads := h.takeWoken()
	for len(streams) > 0 {
		n := min(len(streams), lookAtOnce)
		if err := h.fetch(ctx, streams[:n], heads[:n]); err != nil {
			return err
		}
		streams, heads = streams[n:], heads[n:]
	}
	return nil
}

// takeWoken empties the marks; streams whose newest event nobody has read yet are
// left to their first subscription.
func (h *Hub) takeWoken() (streams []Stream, heads []int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts.looks++
	for s := range h.woken {
		if t := h.topics[s]; t != nil && t.known {
			streams, heads = append(streams, s), append(heads, t.head)
		}
	}
	clear(h.woken)
	return streams, heads
}

// fetchEvents yields nothing for a stream that stands where it is known to be.
const fetchEvents = `
SELECT w.stream, coalesce(s.last, 0) AS last, coalesce(s.floor, 0) AS floor, e.seq, e.kind, e.at, e.data
FROM unnest($1::text[], $2::bigint[]) AS w (stream, head)
LEFT JOIN event_stream s ON s.stream = w.stream
LEFT JOIN LATERAL (
    SELECT e.seq, e.kind, e.at, e.data FROM event e
    WHERE e.stream = w.stream AND e.seq > w.head
    ORDER BY e.seq LIMIT $3) e ON true
WHERE coalesce(s.last, 0) <> w.head
ORDER BY w.stream, e.seq`

// fetch reads what followed the heads and passes it on.
func (h *Hub) fetch(ctx context.Context, streams []Stream, heads []int64) error {
	rows, err := h.db.Query(ctx, fetchEvents, streams, heads, MaxPage)
	if err != nil {
		return fmt.Errorf("ask for new events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var stream Stream
		var last int64
		var r row
		if err := rows.Scan(&stream, &last, &r.floor, &r.seq, &r.kind, &r.at, &r.data); err != nil {
			return fmt.Errorf("read new events: %w", err)
		}
		h.pass(stream, last, r)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read new events: %w", err)
	}
	return nil
}

// pass takes one row of fetch to those who follow its stream.
func (h *Hub) pass(stream Stream, last int64, r row) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[stream]
	if t == nil || !t.known {
		return
	}
	switch {
	case r.seq != nil && *r.seq == t.head+1:
		t.add(r.event(stream))
		if *r.seq < last {
			h.woken[stream] = struct{}{} // there was more than one look reads
			nudge(h.look)
		}
	case r.seq != nil && *r.seq <= t.head: // another look was quicker
		return
	default: // the stream was trimmed, forgotten or restored under us
		t.forget()
	}
	t.rouse()
}
