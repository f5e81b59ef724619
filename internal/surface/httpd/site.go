package httpd

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Site is another web site served at the server's address, under host names of its
// own, with nothing in common with ours.
type Site struct {
	// Owns reports whether a Host header, with or without a port, names this site.
	Owns func(host string) bool
	// Handler answers everything under these names, /livez and /metrics too. Its
	// requests have an id and are logged and measured, and a panic is caught; no
	// header is set, no limit put on them and no origin refused.
	Handler http.Handler
}

// sites hands requests to the site that owns their Host.
func (s *Server) sites(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, site := range s.cfg.Sites {
			if site.Owns(r.Host) {
				exchangeOf(r.Context()).foreign = true
				site.Handler.ServeHTTP(w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Named tells the log and the measurements what r is about, for a handler that
// stands behind no Mux. It must be one of few.
func Named(r *http.Request, route string) {
	if x := exchangeOf(r.Context()); x != nil {
		x.route = route
	}
}

// Unlimited takes the limits on time off a request of a Site, whose handler then
// sets deadlines of its own for each write, as Stream does. How long it took is not
// measured.
func Unlimited(w http.ResponseWriter, r *http.Request) error {
	if x := exchangeOf(r.Context()); x != nil {
		x.stream = true
	}
	conn := http.NewResponseController(w)
	err := errors.Join(conn.SetReadDeadline(time.Time{}), conn.SetWriteDeadline(time.Time{}))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("lift time limits: %w", err)
	}
	return nil
}
