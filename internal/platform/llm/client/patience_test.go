package client_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/wire"
)

// line is a network in memory, so that time can be the test's: it answers each
// request with the next of its answers, the last for ever.
type line struct {
	answers []func(w *io.PipeWriter, r *http.Request)
	status  int
	header  http.Header
	count   atomic.Int32
	busy    sync.WaitGroup // answers under way
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	n := int(l.count.Add(1)) - 1
	if n >= len(l.answers) {
		n = len(l.answers) - 1
	}
	header := http.Header{"Content-Type": {"text/event-stream"}}
	maps.Copy(header, l.header)
	if l.answers == nil { // a refusal, or silence
		if l.status == 0 {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		}
		return &http.Response{StatusCode: l.status, Header: header, Body: http.NoBody, Request: r}, nil
	}
	out, in := io.Pipe()
	l.busy.Go(func() { l.answers[n](in, r) })
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: out, Request: r}, nil
}

// writer is an http.ResponseWriter for wire.WriteEvent.
type writer struct{ io.Writer }

func (writer) Header() http.Header { return nil }
func (writer) WriteHeader(int)     {}

func write(w io.Writer, events ...wire.SSE) bool {
	for _, e := range events {
		if wire.WriteEvent(writer{w}, e) != nil {
			return false
		}
	}
	return true
}

func hello() []wire.SSE {
	return wire.Reply{
		ID: "msg_1", Model: "claude-opus-5-5", Stop: "end_turn",
		Content: wire.Content{{Type: "text", Text: "Hello there, founder of a calendar for dogs."}},
		Usage:   wire.Usage{Input: 10, Output: 10},
	}.Events(10)
}

// TestWatchdogs runs the production policy by a clock of the test's.
func TestWatchdogs(t *testing.T) {
	t.Parallel()
	drip := func(pause time.Duration, between ...wire.SSE) func(*io.PipeWriter, *http.Request) {
		return func(w *io.PipeWriter, _ *http.Request) {
			for _, e := range hello() {
				time.Sleep(pause) //nolint:forbidigo // by the clock of the bubble
				if !write(w, e) || !write(w, between...) {
					return
				}
			}
			_ = w.Close() //nolint:errcheck // a pipe
		}
	}
	stopAfter := func(n int, then func(w io.Writer) bool) func(*io.PipeWriter, *http.Request) {
		return func(w *io.PipeWriter, r *http.Request) {
			ok := write(w, hello()[:n]...)
			if then == nil {
				<-r.Context().Done()
				return
			}
			for ok {
				time.Sleep(10 * time.Second) //nolint:forbidigo // by the clock of the bubble
				ok = then(w)
			}
		}
	}
	pings := func(w io.Writer) bool { return write(w, wire.Event("ping", map[string]any{})) }
	comments := func(w io.Writer) bool { _, err := io.WriteString(w, ": still here\n\n"); return err == nil }
	chatter := func(w *io.PipeWriter, _ *http.Request) {
		for ok := write(w, hello()...); ok; ok = comments(w) {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // by the clock of the bubble
		}
	}
	for _, c := range []struct {
		name   string
		answer func(*io.PipeWriter, *http.Request)
		want   string
		took   time.Duration
	}{
		{"no answer at all", nil, "unavailable/no_first_byte after 1, later: unknown", 180 * time.Second},
		{"headers, then nothing", stopAfter(0, nil), "unavailable/no_first_byte after 1, later: unknown", 180 * time.Second},
		{"silence midway", stopAfter(4, nil), "unavailable/no_bytes after 1, later: estimated", 90 * time.Second},
		{"only pings", stopAfter(4, pings), "unavailable/no_progress after 1, later: estimated", 300 * time.Second},
		{"only comments", stopAfter(4, comments), "unavailable/no_progress after 1, later: estimated", 300 * time.Second},
		{"all said, and no end", chatter, "answer after 1", 250 * time.Millisecond},
		{"slow, but it comes", drip(89 * time.Second), "answer after 1", 0},
		{"slow, with pings", drip(80*time.Second, wire.Event("ping", map[string]any{})), "answer after 1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &line{}
				if c.answer != nil {
					l.answers = append(l.answers, c.answer)
				}
				money := &till{}
				cl := newClient(t, client.Config{Transport: l, Policy: client.DefaultPolicy()})
				started := time.Now()
				res, _, err := cl.Call(t.Context(), llm.Endpoint{Name: "line", BaseURL: "http://line"}, ask("Hi."), money.admit, nil)
				if got := shows(res, err, money); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if took := time.Since(started); c.took > 0 && took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				l.busy.Wait()
			})
		})
	}
}

// TestPatience wants refusals to be tried again for seconds and handed back then, with
// the time that the server said, or one worth waiting.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		status       int
		retryAfter   string
		want         string
		least, most  time.Duration // the call takes
		early, later time.Duration // RetryAfter is in between
	}{
		{"overloaded", 529, "", "overloaded after 3, later: void void void", 0, 3 * time.Second, time.Minute, 2 * time.Minute},
		{"overloaded for four seconds", 529, "4", "overloaded after 3, later: void void void", 8 * time.Second, 8 * time.Second, time.Minute, 2 * time.Minute},
		{"overloaded for 4000 milliseconds", 529, "4000ms", "overloaded after 3, later: void void void", 8 * time.Second, 8 * time.Second, time.Minute, 2 * time.Minute},
		{"limited for fifteen seconds", 429, "15", "rate_limited after 2, later: void void", 15 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute},
		{"limited for no time worth a name", 429, "5ms", "rate_limited after 3, later: void void void", 0, 3 * time.Second, time.Minute, 2 * time.Minute},
		{"limited for half a minute", 429, "30", "rate_limited after 1, later: void", 0, 0, 30 * time.Second, 33 * time.Second},
		{"limited for an hour", 429, "3600", "rate_limited after 1, later: void", 0, 0, time.Hour, time.Hour + time.Minute},
		{"limited without a time", 429, "", "rate_limited after 1, later: void", 0, 0, time.Minute, 2 * time.Minute},
		{"limited until the year 9000", 429, "1e300", "rate_limited after 1, later: void", 0, 0, 30 * 24 * time.Hour, 30*24*time.Hour + time.Minute},
		{"limited by nonsense", 429, "soon", "rate_limited after 1, later: void", 0, 0, time.Minute, 2 * time.Minute},
		{"limited until a date", 503, "Sat, 01 Jan 2000 00:00:05 GMT", "unavailable/server_error after 3, later: unknown unknown unknown", 5 * time.Second, 8 * time.Second, time.Minute, 2 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &line{status: c.status, header: http.Header{}}
				if ms, ok := strings.CutSuffix(c.retryAfter, "ms"); ok {
					l.header.Set("Retry-After-Ms", ms)
				} else if c.retryAfter != "" {
					l.header.Set("Retry-After", c.retryAfter)
				}
				money := &till{}
				cl := newClient(t, client.Config{Transport: l, Policy: client.DefaultPolicy()})
				started := time.Now()
				res, _, err := cl.Call(t.Context(), llm.Endpoint{Name: "line", BaseURL: "http://line"}, ask("Hi."), money.admit, nil)
				if got := shows(res, err, money); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if took := time.Since(started); took < c.least || took > c.most {
					t.Errorf("took %v, want %v to %v", took, c.least, c.most)
				}
				if e := asError(t, err); e.RetryAfter < c.early || e.RetryAfter > c.later {
					t.Errorf("come back after %v, want %v to %v", e.RetryAfter, c.early, c.later)
				}
			})
		})
	}
}

// TestJitter wants pauses to differ: those who wait together would come back together.
func TestJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cl := newClient(t, client.Config{Transport: &line{status: 529}, Policy: client.DefaultPolicy()})
		took := map[time.Duration]bool{}
		for i := range 20 {
			started := time.Now()
			ep := llm.Endpoint{BaseURL: "http://line/" + strings.Repeat("x", i)} // apart for the breaker
			if _, _, err := cl.Call(t.Context(), ep, ask("Hi."), (&till{}).admit, nil); err == nil {
				t.Fatal("an answer")
			}
			took[time.Since(started)] = true
		}
		if len(took) < 18 {
			t.Errorf("20 calls took %d different times", len(took))
		}
	})
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &line{status: 529}
		cl := newClient(t, client.Config{Transport: l, Policy: client.DefaultPolicy()})
		call := func(model string) (string, *till) {
			money := &till{}
			req := ask("Hi.")
			req.Model = model
			res, _, err := cl.Call(t.Context(), llm.Endpoint{BaseURL: "http://line"}, req, money.admit, nil)
			return shows(res, err, money), money
		}
		call("a")
		if got, _ := call("a"); got != "unavailable/breaker_open after 2, later: void void" {
			t.Errorf("the sixth attempt in a row: %s", got)
		}
		made := l.count.Load()
		_, _, err := cl.Call(t.Context(), llm.Endpoint{BaseURL: "http://line"}, llm.Request{Model: "a", MaxTokens: 1, Turns: ask("Hi.").Turns}, (&till{}).admit, nil)
		if e := asError(t, err); e.RetryAfter < time.Minute || e.RetryAfter > 2*time.Minute {
			t.Errorf("come back after %v, want it to be closed by then", e.RetryAfter)
		}
		got, money := call("a")
		if got != "unavailable/breaker_open after 0, later" || len(money.attempts) != 0 || l.count.Load() != made {
			t.Errorf("open: %s; %d admitted, %d requests", got, len(money.attempts), l.count.Load()-made)
		}
		if got, _ := call("b"); !strings.HasPrefix(got, "overloaded after 3") {
			t.Errorf("another model: %s", got)
		}
		time.Sleep(31 * time.Second) //nolint:forbidigo // by the clock of the bubble
		// The one let through takes its time. Others wait only until its answer begins.
		others, began := make(chan struct{}), make(chan struct{})
		var second atomic.Bool
		l.answers = append(l.answers, func(w *io.PipeWriter, _ *http.Request) {
			write(w, hello()[:4]...)
			if !second.Swap(true) {
				close(began)
				<-others
			}
			write(w, hello()[4:]...)
			_ = w.Close() //nolint:errcheck // a pipe
		})
		go func() {
			if got, _ := call("a"); got != "answer after 1" {
				t.Errorf("the one let through: %s", got)
			}
		}()
		<-began
		synctest.Wait()
		for range 3 {
			if got, _ := call("a"); got != "answer after 1" {
				t.Errorf("after half a minute: %s", got)
			}
		}
		close(others)
		l.busy.Wait()
	})
}

// TestBreakerIsFair wants refusals that concern one request or one key to leave the
// endpoint to others.
func TestBreakerIsFair(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 402, 404, 413, 429} {
		synctest.Test(t, func(t *testing.T) {
			l := &line{status: status}
			cl := newClient(t, client.Config{Transport: l, Policy: client.DefaultPolicy()})
			for range 10 {
				_, _, err := cl.Call(t.Context(), llm.Endpoint{BaseURL: "http://line"}, ask("Hi."), (&till{}).admit, nil)
				if e := asError(t, err); e.Reason == llm.BreakerOpen {
					t.Fatalf("status %d opens the breaker", status)
				}
			}
		})
	}
}
