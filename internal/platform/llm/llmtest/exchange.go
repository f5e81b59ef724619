package llmtest

import (
	"net/http"
	"slices"
	"time"

	"cofounder/internal/platform/llm/wire"
)

// exchange is one request being answered.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	q      *wire.Request
	server *Server
	turn   Turn
	reply  wire.Reply
	events []wire.SSE
	// after what is left to do when the events are sent: nothing, or an end that is
	// none.
	after func()
}

// whole answers a request that does not stream.
func (x *exchange) whole() {
	_ = x.reply.Write(x.w, x.q) //nolint:errcheck // the client is gone
}

// inOne does not stream, whatever was asked for.
func (x *exchange) inOne() {
	q := *x.q
	q.Stream = false
	_ = x.reply.Write(x.w, &q) //nolint:errcheck // the client is gone
}

// send streams the events.
func (x *exchange) send() {
	x.begin()
	for _, e := range x.events {
		if x.turn.Drip > 0 && !x.wait(x.turn.Drip) {
			return
		}
		if wire.WriteEvent(x.w, e) != nil {
			return // the client is gone
		}
	}
	if x.after != nil {
		x.after()
	}
}

func (x *exchange) begin() {
	x.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	x.w.Header().Set("Cache-Control", "no-cache")
	x.w.WriteHeader(http.StatusOK)
	x.flush()
}

func (x *exchange) flush() {
	_ = http.NewResponseController(x.w).Flush() //nolint:errcheck // the client is gone
}

// wait lets d pass; false: the client or the server is gone.
func (x *exchange) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
	case <-x.server.quit:
	}
	return false
}

// hang waits until the client or the server is gone.
func (x *exchange) hang() {
	select {
	case <-x.r.Context().Done():
	case <-x.server.quit:
	}
}

// pings keeps the connection alive and says nothing, until the client is gone.
func (x *exchange) pings() {
	for x.wait(x.server.cfg.Ping) {
		if wire.WriteEvent(x.w, wire.Event("ping", map[string]any{})) != nil {
			return
		}
	}
}

// cut breaks the connection off.
func (*exchange) cut() { panic(http.ErrAbortHandler) }

// upTo keeps the events before the first that matches, and that one.
func (x *exchange) upTo(match func(wire.SSE) bool) {
	if i := slices.IndexFunc(x.events, match); i >= 0 {
		x.events = x.events[:i+1]
	}
}

// insert puts e after the first event that matches.
func (x *exchange) insert(match func(wire.SSE) bool, e wire.SSE) {
	if i := slices.IndexFunc(x.events, match); i >= 0 {
		x.events = slices.Insert(x.events, i+1, e)
	}
}

func named(name string) func(wire.SSE) bool {
	return func(e wire.SSE) bool { return e.Name == name }
}

// refuse answers with an error status.
func (x *exchange) refuse(e wire.Error) { wire.WriteError(x.w, &e) }

// page answers with something that is no Messages API.
func (x *exchange) page(status int) {
	x.w.Header().Set("Content-Type", "text/html")
	x.w.WriteHeader(status)
	_, _ = x.w.Write([]byte("<!doctype html><title>Welcome</title><p>Please sign in to use this network.")) //nolint:errcheck // the client is gone
}
