package event

import (
	"context"
	"errors"
)

const (
	// mostBehind is how many events a reader who was up to date may fall behind
	// before it is cut off.
	mostBehind = 1000
	// mostRecent and mostRecentBytes bound what a hub keeps of a stream that
	// somebody follows. Who is further back reads from the database.
	mostRecent      = 200
	mostRecentBytes = 64 << 10
)

// ErrBehind ends a subscription that fell more than 1 000 events behind. Whoever
// still wants the events subscribes again at its last cursor and reads them at its
// own pace.
var ErrBehind = errors.New("the reader is too far behind")

// topic is a stream that somebody in this process follows.
type topic struct {
	subs  map[*Subscription]struct{}
	known bool // head is true, or was a moment ago
	head  int64
	// recent ends with head and has no gap.
	recent []Event
	bytes  int
}

// add appends the event after head.
func (t *topic) add(e Event) {
	t.head = e.Seq
	t.recent = append(t.recent, e)
	t.bytes += len(e.Data)
	drop := 0
	for len(t.recent)-drop > mostRecent || t.bytes > mostRecentBytes && len(t.recent)-drop > 1 {
		t.bytes -= len(t.recent[drop].Data)
		t.recent[drop] = Event{} // its data goes now, not with the whole array
		drop++
	}
	t.recent = t.recent[drop:]
}

// forget makes the readers find out where the stream is.
func (t *topic) forget() {
	t.known, t.head, t.recent, t.bytes = false, 0, nil, 0
	for s := range t.subs {
		s.checked = false
	}
}

// rouse tells the readers that there is something, and cuts off who is too slow.
func (t *topic) rouse() {
	for s := range t.subs {
		if t.known && s.current && t.head-s.cursor > mostBehind {
			if s.err == nil {
				s.hub.counts.cut++
			}
			s.end(ErrBehind)
			continue
		}
		nudge(s.ready)
	}
}

// after returns copies of the recent events after a cursor, and false when they do
// not reach back that far.
func (t *topic) after(cursor int64) ([]Event, bool) {
	behind := t.head - cursor
	if behind > int64(len(t.recent)) {
		return nil, false
	}
	return append([]Event(nil), t.recent[int64(len(t.recent))-behind:]...), true
}

// Subscription follows one stream from a cursor on. Next is for one goroutine; Close
// may be called from any and more than once.
type Subscription struct {
	hub    *Hub
	stream Stream
	ready  chan struct{}
	// Under hub.mu.
	cursor  int64
	checked bool // the cursor is one of this stream
	current bool // has been up to date once
	err     error
}

// Subscribe follows a stream, beginning after a cursor; 0 is its beginning. The
// caller has made sure that the stream may be seen. Close it.
func (h *Hub) Subscribe(stream Stream, after int64) (*Subscription, error) {
	if err := stream.check(); err != nil {
		return nil, err
	}
	s := &Subscription{hub: h, stream: stream, cursor: after, ready: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == hubStopped {
		return nil, ErrStopped
	}
	t := h.topics[stream]
	if t == nil {
		t = &topic{subs: map[*Subscription]struct{}{}}
		h.topics[stream] = t
	}
	t.subs[s] = struct{}{}
	return s, nil
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if t := s.hub.topics[s.stream]; t != nil {
		if delete(t.subs, s); len(t.subs) == 0 {
			delete(s.hub.topics, s.stream)
			delete(s.hub.woken, s.stream)
		}
	}
	s.end(errClosed)
}

var errClosed = errors.New("the subscription was closed")

// end makes Next return err, unless it ended before. hub.mu is held.
func (s *Subscription) end(err error) {
	if s.err == nil {
		s.err = err
	}
	nudge(s.ready)
}

// Next waits until there is something after the cursor and returns it: each event
// once, in order, or a Reset. It returns ErrBehind, ErrStopped, ctx's error, or what
// went wrong with the database.
func (s *Subscription) Next(ctx context.Context) (Page, error) {
	for {
		page, then, err := s.take()
		if err == nil && then == readOn {
			page, err = s.read(ctx)
		}
		if err != nil || page.Reset || len(page.Events) > 0 {
			return page, err
		}
		if then == readOn {
			continue
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return Page{}, ctx.Err()
		}
	}
}

// step is what a reader does next.
type step uint8

const (
	waitOn step = iota // for the hub, unless there are events already
	readOn             // from the database
)

// take returns what the hub has after the cursor.
func (s *Subscription) take() (Page, step, error) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.err != nil {
		return Page{}, waitOn, s.err
	}
	t := s.hub.topics[s.stream]
	switch {
	case !t.known, s.cursor > t.head && !s.checked:
		return Page{}, readOn, nil
	case s.cursor >= t.head:
		s.current = true
		return Page{}, waitOn, nil
	}
	events, ok := t.after(s.cursor)
	if !ok {
		return Page{}, readOn, nil
	}
	s.cursor, s.current = t.head, true
	return Page{Events: events, Next: t.head, Last: t.head}, waitOn, nil
}

// read returns what the database has after the cursor, and tells the hub where the
// stream is if it does not know.
func (s *Subscription) read(ctx context.Context) (Page, error) {
	select {
	case s.hub.reads <- struct{}{}:
	case <-ctx.Done():
		return Page{}, ctx.Err()
	}
	page, err := Read(ctx, s.hub.db, s.stream, s.cursor, MaxPage)
	<-s.hub.reads
	if err != nil {
		return Page{}, err
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.err != nil {
		return Page{}, s.err
	}
	t := s.hub.topics[s.stream]
	if !t.known || page.Last < t.head {
		t.forget()
		t.known, t.head = true, page.Last
		t.rouse()
	}
	if page.Last != t.head || t.recent == nil {
		s.hub.wakeHere([]Stream{s.stream}) // what was committed since the read
	}
	s.cursor, s.checked = page.Next, true
	return page, nil
}
