package httpd_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"

	"github.com/google/go-cmp/cmp"
)

// feed streams until its context ends.
type feed func(ctx context.Context, send httpd.Send) error

func (f feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return httpd.Stream(w, r, nil, f) }).ServeHTTP(w, r)
}

// quiet sends nothing.
func quiet(ctx context.Context, _ httpd.Send) error {
	<-ctx.Done()
	return ctx.Err()
}

// open starts reading a stream.
func (p *piped) open(ctx context.Context, t *testing.T) *bufio.Reader {
	t.Helper()
	transport := http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.listener.dial(ctx) }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeAll(t, res.Body)
		transport.CloseIdleConnections()
	})
	return bufio.NewReader(res.Body)
}

// block reads up to the empty line that ends an event.
func block(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended within %q: %v", b.String()+line, err)
		}
		b.WriteString(line)
		if line == "\n" {
			return b.String()
		}
	}
}

func TestStreamEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := prepared(t, feed(func(_ context.Context, send httpd.Send) error {
			for _, e := range []httpd.Event{
				{Data: "plain"},
				{ID: "41", Name: "panel", Data: "<p>\n  two lines\r\n</p>"},
				{ID: "4\n2\r\x00", Name: "a\nevent: b", Data: "forged\rid: 9"},
				{},
			} {
				if err := send(e); err != nil {
					return err
				}
			}
			return nil
		}), nil).pipe(t)
		got := p.get(t, "/live")
		want := ": hello\n\n" +
			"data: plain\n\n" +
			"id: 41\nevent: panel\ndata: <p>\ndata:   two lines\ndata: </p>\n\n" +
			"id: 42\nevent: aevent: b\ndata: forged\ndata: id: 9\n\n" +
			"data: \n\n"
		whole := strings.TrimPrefix(got.text, want)
		if !farewell.MatchString(whole) {
			t.Errorf("after the feed's end: %q, want a reconnect", whole)
		}
		got.text = strings.TrimSuffix(got.text, whole)
		if diff := cmp.Diff(want, got.text); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
		if h := got.Header; h.Get("Content-Type") != "text/event-stream" || !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("X-Accel-Buffering") != "no" {
			t.Errorf("header = %v", h)
		}
	})
}

// TestStreamOutlivesLimits keeps a stream open for ten minutes, quiet but for its
// heartbeat.
func TestStreamOutlivesLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := prepared(t, feed(quiet), nil).pipe(t)
		r := p.open(t.Context(), t)
		begun := time.Now()
		if got := block(t, r); got != ": hello\n\n" {
			t.Errorf("first = %q", got)
		}
		for range 40 {
			if got := block(t, r); got != ": still here\n\n" {
				t.Errorf("heartbeat = %q", got)
			}
		}
		if took := time.Since(begun); took != 10*time.Minute {
			t.Errorf("40 heartbeats took %s, want 10 minutes", took)
		}
	})
}

var farewell = regexp.MustCompile(`^retry: \d{3,4}\nevent: reconnect\ndata:\n\n$`)

func TestStreamDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := prepared(t, feed(quiet), func(cfg *httpd.Config) { cfg.LameDuck, cfg.Drain = 5*time.Second, 85*time.Second }).pipe(t)
		r := p.open(t.Context(), t)
		block(t, r)
		begun := time.Now()
		p.stop()
		if got := block(t, r); !farewell.MatchString(got) {
			t.Errorf("last = %q, want a reconnect", got)
		}
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("after the farewell: %v, want the end", err)
		}
		if err := <-p.done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if took := time.Since(begun); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("the stop took %s, want the lame duck and little more", took)
		}
	})
}

func TestStreamClientLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		p := prepared(t, feed(func(ctx context.Context, send httpd.Send) error {
			<-ctx.Done()
			ended <- send(httpd.Event{Data: "too late"})
			return ctx.Err()
		}), nil).pipe(t)
		ctx, leave := context.WithCancel(t.Context())
		r := p.open(ctx, t)
		block(t, r)
		leave()
		if err := <-ended; err == nil {
			t.Error("send says nothing although nobody listens")
		}
		synctest.Wait()
		if lines := p.log.lines("ERROR"); len(lines) > 0 {
			t.Errorf("a viewer who left is an error in the log: %q", lines)
		}
	})
}

// TestStreamStuckReader proves that a client that stops reading ends the feed.
func TestStreamStuckReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		p := prepared(t, feed(func(_ context.Context, send httpd.Send) error {
			for {
				if err := send(httpd.Event{Data: strings.Repeat("x", 1<<20)}); err != nil {
					ended <- time.Now()
					return err
				}
			}
		}), nil).pipe(t)
		conn, err := p.listener.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		for line := ""; !strings.HasPrefix(line, ": hello"); {
			if line, err = r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		if took := (<-ended).Sub(begun); took != 10*time.Second {
			t.Errorf("the feed ended after %s, want 10 s", took)
		}
	})
}

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mux := httpd.NewMux()
		mux.Handle("GET /breaks", feed(func(context.Context, httpd.Send) error { return errors.New("database gone") }))
		mux.Handle("GET /refused", httpd.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
			return fault.New(fault.NotFound, "", "No such project.")
		}))
		mux.Handle("GET /panics", feed(func(context.Context, httpd.Send) error { panic("oh no") }))
		p := prepared(t, mux, nil).pipe(t)
		if got := p.get(t, "/breaks"); got.StatusCode != http.StatusOK || !farewell.MatchString(strings.TrimPrefix(got.text, ": hello\n\n")) {
			t.Errorf("broken stream = %d %q", got.StatusCode, got.text)
		}
		if got := p.get(t, "/refused"); got.StatusCode != http.StatusNotFound {
			t.Errorf("refused stream = %d, want 404", got.StatusCode)
		}
		if res := <-p.start(t.Context(), "/panics"); res.err == nil {
			t.Errorf("a stream that panicked ends as if whole: %q", res.text)
		}
		synctest.Wait()
		if len(p.log.lines("ERROR request failed", "database gone")) != 1 || len(p.log.lines("ERROR request failed", "oh no")) != 1 {
			t.Errorf("want one line each:\n%s", p.log)
		}
	})
}

// What is sent faster than ten times a second waits, and a group stays together.
func TestStreamPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		p := prepared(t, feed(func(_ context.Context, send httpd.Send) error {
			begun := time.Now()
			for range 4 {
				if err := send(httpd.Event{Data: "a"}, httpd.Event{Data: "b"}); err != nil {
					return err
				}
				took = append(took, time.Since(begun))
			}
			time.Sleep(time.Minute) //nolint:forbidigo // the clock of synctest
			begun = time.Now()
			err := send(httpd.Event{Data: "c"})
			took = append(took, time.Since(begun))
			return err
		}), nil).pipe(t)
		got := p.get(t, "/live")
		if want := strings.Repeat("data: a\n\ndata: b\n\n", 4); !strings.Contains(got.text, want) {
			t.Errorf("stream = %q, want %q in it", got.text, want)
		}
		want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 0}
		if diff := cmp.Diff(want, took); diff != "" {
			t.Errorf("groups left at (-want +got):\n%s", diff)
		}
	})
}

// Each group of a compressed stream can be read when it is there, and the whole is
// one valid gzip file.
func TestStreamCompressed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := make(chan string)
		p := prepared(t, feed(func(_ context.Context, send httpd.Send) error {
			for text := range next {
				if err := send(httpd.Event{Data: text}); err != nil {
					return err
				}
			}
			return nil
		}), nil).pipe(t)
		r := p.open(t.Context(), t) // Go's transport asks for gzip and unpacks it
		block(t, r)
		for _, text := range []string{"one", strings.Repeat("<li>row</li>", 10_000), "", "three"} {
			next <- text
			if got, want := block(t, r), "data: "+text+"\n\n"; got != want {
				t.Errorf("got %d bytes, want %d", len(got), len(want))
			}
		}
		close(next)
		block(t, r)
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) { // the checksum and the length agreed
			t.Errorf("after the end: %v, want EOF", err)
		}
	})
}

// A stream ends soon after its reader lost the right to it, without asking to come
// back, and not because a lookup failed once.
func TestStreamEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looked := 0
		allowed := func(context.Context) error {
			switch looked++; looked {
			case 1:
				return nil
			case 2:
				return errors.New("the database does not answer")
			}
			return fault.New(fault.Unauthenticated, "", "Please sign in.")
		}
		p := prepared(t, httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return httpd.Stream(w, r, allowed, quiet)
		}), nil).pipe(t)
		begun := time.Now()
		got := p.get(t, "/live")
		if took := time.Since(begun); took != 45*time.Second {
			t.Errorf("ended after %s, want 45s", took)
		}
		if strings.Contains(got.text, "reconnect") {
			t.Errorf("who may not see it is asked back: %q", got.text)
		}
	})
}
