package httpd

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"cofounder/internal/base/fault"
)

// errExpired is the cause of a request context that ran out of time.
var errExpired = errors.New("the request took too long")

// limits puts a bound on the body and on the time of a request.
func (s *Server) limits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		x.expiry.timer = time.AfterFunc(requestTimeout, func() {
			x.expiry.passed.Store(true)
			cancel(errExpired)
		})
		defer x.expiry.timer.Stop()
		// A body that trickles in does not see the context; this ends it, just
		// after the context so that the reason is known. A recorder in a test
		// has no deadlines.
		if err := http.NewResponseController(w).SetReadDeadline(now().Add(requestTimeout + time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			panic(http.ErrAbortHandler) // the connection is already gone
		}
		r = r.WithContext(ctx)
		r.Body = x.limited(bodyDefault)
		next.ServeHTTP(w, r)
	})
}

// BodyLimit lets next read up to n bytes of body instead of 1 MB.
func BodyLimit(n int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limited := *r
		if x := exchangeOf(r.Context()); x != nil {
			limited.Body = x.limited(n)
		} else {
			limited.Body = http.MaxBytesReader(w, r.Body, n)
		}
		next.ServeHTTP(w, &limited)
	})
}

// limited is the body as it came in, up to n bytes. Passing it net/http's own
// writer makes the connection end gently, so that a client still sending can
// read why.
func (x *exchange) limited(n int64) io.ReadCloser {
	return body{http.MaxBytesReader(x.conn, x.body, n)}
}

// body marks what goes wrong in reading as the client's doing.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil, errors.Is(err, io.EOF):
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errors.Join(errExpired, err)
	default:
		err = &bodyError{err}
	}
	return n, err
}

// bodyError is a body that broke off, was not framed as HTTP asks, or is too
// large (then it holds an http.MaxBytesError).
type bodyError struct{ cause error }

func (e *bodyError) Error() string { return "read request body: " + e.cause.Error() }

func (e *bodyError) Unwrap() error { return e.cause }

// cleanAddress refuses addresses that decode to something that is not text.
func cleanAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if err != nil || !cleanText(query) || !cleanText(r.URL.Path) ||
			strings.ContainsFunc(r.URL.Path, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			WriteError(w, r, fault.New(fault.Malformed, "bad_address", "This address holds characters that are not text."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHosts are the names under which we answer. This computer's own names are
// among them when we listen only there or are published there; no other page can
// make a browser send those for us except by DNS rebinding, which has its own
// name in Host.
func ownHosts(addr string, public *url.URL) map[string]bool {
	hosts := map[string]bool{strings.ToLower(public.Hostname()): true}
	listen, _, err := net.SplitHostPort(addr)
	if (err == nil && isLoopback(listen)) || isLoopback(public.Hostname()) {
		for _, h := range []string{"localhost", "127.0.0.1", "::1"} {
			hosts[h] = true
		}
	}
	return hosts
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// staticPath is where web serves its static files.
const staticPath = "/static/"

// ownHost refuses requests meant for another name. Ports are not compared: a
// proxy may leave ours out or put its own in.
func (s *Server) ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.isOwn(r.Host) && !strings.HasPrefix(r.URL.Path, staticPath) {
			WriteError(w, r, fault.Newf(fault.Misdirected, "wrong_address",
				"cofounder is set up to be reached at %s. Open it there, or set COFOUNDER_URL to the address you use and start it again.",
				s.cfg.PublicURL))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOwn reports whether host, with or without a port, is one of our names.
func (s *Server) isOwn(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	return s.hosts[strings.TrimSuffix(strings.ToLower(name), ".")]
}

// crossOrigin refuses writes that a browser makes on behalf of another site.
// Programs send neither Sec-Fetch-Site nor Origin and are not concerned.
func crossOrigin(c *http.CrossOriginProtection, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.Check(r); err != nil {
			WriteError(w, r, fault.New(fault.Forbidden, "cross_origin",
				"This was sent by a page of another site and was not carried out.").Because(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure sets the security headers. A handler below may add to them, for
// example a Cache-Control; it must not loosen them but by InlineStyles.
func (s *Server) secure(next http.Handler) http.Handler {
	policy := contentSecurityPolicy(s.cfg.FrameSources, s.cfg.TrustedTypes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		// Not no-referrer: it would make the Origin of our own forms "null".
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), serial=(), usb=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.cfg.PublicURL.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// contentSecurityPolicy lets a page load what we serve and nothing else.
func contentSecurityPolicy(frames, trustedTypes []string) string {
	frame := "'none'"
	if len(frames) > 0 {
		frame = strings.Join(frames, " ")
	}
	policy := policyWith("'self'", frame)
	if len(trustedTypes) > 0 {
		policy += "; require-trusted-types-for 'script'; trusted-types " + strings.Join(trustedTypes, " ")
	}
	return policy
}

func policyWith(styles, frame string) string {
	return "default-src 'none'; script-src 'self'; style-src " + styles + "; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; frame-src " + frame + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// InlineStyles loosens the content security policy of one answer, for pages of others
// that we serve as they are: their script may put styles into the page and HTML where
// Trusted Types would be asked for. Scripts still come from us only, and frames are
// refused.
func InlineStyles(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", policyWith("'self' 'unsafe-inline'", "'none'"))
}
