package httpd

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/telemetry"
)

// SessionCookie is the name of the cookie that holds a browser's session secret.
// web sets it (Path=/, Secure, HttpOnly, SameSite=Lax) and api accepts it too.
// The prefix makes browsers refuse it from, and to, any other host.
const SessionCookie = "__Host-cofounder"

// exchange is one request and its answer, as the middleware sees it. It is made
// once, carried in the request's context and used by the request's goroutine
// only, except for the atomics.
type exchange struct {
	server  *Server
	request string // id
	client  netip.Addr
	conn    http.ResponseWriter // net/http's own, which a body limit must talk to
	body    io.ReadCloser       // as it came in, before a limit was put on it
	route   string              // pattern that matched, innermost wins
	debugID string              // of the error that was answered, if one was
	stream  bool                // an event stream: its duration says nothing
	foreign bool                // handed to another site: our pages do not belong there
	expiry  expiry
}

// expiry ends a request that takes too long.
type expiry struct {
	timer  *time.Timer
	passed atomic.Bool
}

type exchangeKey struct{}

// exchangeOf returns the exchange the middleware put into ctx, or nil for a
// request that did not come through a Server.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange) //nolint:errcheck // absent is nil
	return x
}

// RequestID returns the id of the request ctx belongs to, which its answer and its log
// lines have too; empty where there is none.
func RequestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.request
	}
	return ""
}

// now is the operating system's time: network deadlines and durations are about
// the machine, not about the product's idea of today.
func now() time.Time { return clock.System{}.Now() }

// requestID is minted for each request.
type requestID string

// Prefix implements id.Kind.
func (requestID) Prefix() string { return "req" }

const requestIDHeader = "X-Request-Id"

// begin is the outermost middleware.
func (s *Server) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		client, viaProxy := s.clientOf(r)
		x := &exchange{server: s, client: client, conn: w, body: r.Body}
		if given := r.Header.Get(requestIDHeader); viaProxy && wellFormedID(given) {
			x.request = given
		} else {
			x.request = string(id.Mint[requestID](s.cfg.IDs))
		}
		w.Header().Set(requestIDHeader, x.request)
		ctx := context.WithValue(r.Context(), exchangeKey{}, x)
		ctx = telemetry.WithRequest(ctx, x.request)
		rec := &recorder{ResponseWriter: w, draining: &s.draining}
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

// wellFormedID accepts what balancers and other services use for ids, and
// nothing that could forge a log line or a header.
func wellFormedID(s string) bool {
	if len(s) < 8 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '=', c == '.', c == ':', c == '+', c == '/', c == ';':
		default:
			return false
		}
	}
	return true
}

// recorder remembers what was answered and asks clients to close their
// connection once the server drains. It passes Flush, Hijack and deadlines on
// through http.ResponseController's Unwrap.
type recorder struct {
	http.ResponseWriter
	draining *atomic.Bool
	status   int // 0 until the header is sent
	bytes    int64
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the header; an informational one is not the answer yet.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
		if w.draining.Load() {
			// Not SetKeepAlivesEnabled(false): that cuts idle connections a
			// proxy is about to use (46 failures in 96,603 requests against 0).
			w.Header().Set("Connection", "close")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends the header first if nobody has.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// FlushError sends the header first if nobody has, so that its status is seen.
func (w *recorder) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}
