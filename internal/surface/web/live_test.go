package web_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/web"
)

func TestLiveStreamSaysItIsConnected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "localhost:8080"
	r.Header.Set("Accept", "text/html, text/event-stream")
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Content-Encoding") != "" {
		t.Fatalf("got %d %v", res.StatusCode, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			for _, part := range []string{`id="live-state"`, `hx-swap-oob="true"`, `data-state="live"`} {
				if !strings.Contains(data, part) {
					t.Errorf("the first event %q lacks %s", data, part)
				}
			}
			return
		}
	}
	t.Fatalf("the stream ended without an event: %v", lines.Err())
}

// A stream cannot follow to a page, so it is told by status.
func TestLiveStreamIsForMembers(t *testing.T) {
	t.Parallel()
	newWorld(t).browser().get(t, "/live").want(http.StatusUnauthorized)
}

// A stream ends soon after the session it was opened with, and not because the
// lookup failed once.
func TestStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, looked := time.Now(), 0
		err := web.WhileAllowed(t.Context(), func(context.Context) error {
			switch looked++; looked {
			case 1:
				return nil
			case 2:
				return errors.New("the database does not answer")
			}
			return fault.New(fault.Unauthenticated, "", "Please sign in.")
		}, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if took := time.Since(begun); took != 45*time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("ended after %s with %v, want 45s and its context's error", took, err)
		}
	})
}

func TestStreamsOfOneSessionAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for i := range web.MostStreams + 1 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "localhost:8080"
		for name, value := range v.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		}
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		want := http.StatusOK
		if i == web.MostStreams {
			want = http.StatusTooManyRequests
		}
		if res.StatusCode != want || want != http.StatusOK && res.Header.Get("Retry-After") == "" {
			t.Errorf("stream %d: got %d, want %d", i+1, res.StatusCode, want)
		}
	}
}
