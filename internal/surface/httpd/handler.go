package httpd

import (
	"net/http"

	"cofounder/internal/base/fault"
)

// HandlerFunc answers a request or returns why it could not; it has written
// nothing then. The error is reported and answered by WriteError.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (f HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := f(w, r); err != nil {
		WriteError(w, r, err)
	}
}

// Mux is an http.ServeMux that answers what nothing matches like any other
// error, and tells the log and the measurements which pattern matched. Muxes may
// be mounted in muxes; the innermost pattern counts.
type Mux struct{ *http.ServeMux }

// NewMux returns an empty Mux.
func NewMux() Mux { return Mux{http.NewServeMux()} }

// ServeHTTP implements http.Handler.
func (m Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fallback, pattern := m.Handler(r)
	if pattern == "" {
		m.unmatched(w, r, fallback)
		return
	}
	if x := exchangeOf(r.Context()); x != nil {
		x.route = pattern
	}
	m.ServeMux.ServeHTTP(w, r)
}

// unmatched asks the standard library's own answer what is wrong: the path, or
// only the method.
func (m Mux) unmatched(w http.ResponseWriter, r *http.Request, fallback http.Handler) {
	probe := &header{h: http.Header{}}
	fallback.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.h.Get("Allow"))
		WriteError(w, r, fault.New(fault.NotAllowed, "", "This address does not take "+r.Method+" requests."))
		return
	}
	WriteError(w, r, fault.New(fault.NotFound, "", "There is nothing at this address."))
}

// header is a ResponseWriter that keeps only status and header.
type header struct {
	h      http.Header
	status int
}

func (w *header) Header() http.Header { return w.h }

func (w *header) WriteHeader(status int) { w.status = status }

func (w *header) Write(b []byte) (int, error) { return len(b), nil }
