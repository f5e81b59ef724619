package httpd

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"cofounder/internal/base/fault"
)

const (
	livez       = "/livez"
	readyz      = "/readyz"
	metricsPath = "/metrics"

	// readyFor is how long an answer of the checks is used again, so that
	// probes from anywhere cost one round of checks a second.
	readyFor = time.Second
)

// Check is one thing without which this process cannot do its work. Leave out
// what other processes share and would all lose together, such as a model's
// endpoint: it would take every process out at once.
type Check struct {
	Name    string // shown to anyone who asks
	Timeout time.Duration
	Probe   func(ctx context.Context) error
}

type health struct {
	checks []Check

	mu     sync.Mutex // held while checking: one round at a time
	at     time.Time
	failed []string
}

// ready returns the names of the checks that fail.
func (h *health) ready(ctx context.Context, s *Server) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.at.IsZero() && now().Sub(h.at) < readyFor {
		return h.failed
	}
	// The answer is used by others too: it must not depend on this client
	// staying to hear it.
	ctx = context.WithoutCancel(ctx)
	errs := make([]error, len(h.checks))
	var wg sync.WaitGroup
	for i, c := range h.checks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, c.Timeout)
			defer cancel()
			errs[i] = c.Probe(ctx)
		})
	}
	wg.Wait()
	h.failed = []string{}
	for i, err := range errs {
		if err != nil {
			h.failed = append(h.failed, h.checks[i].Name)
			s.cfg.Log.WarnContext(ctx, "readiness check failed", "check", h.checks[i].Name, "err", err)
		}
	}
	h.at = now()
	return h.failed
}

// standing is the body of /livez and /readyz. Service lets a second process that
// finds its port taken tell by whom.
type standing struct {
	Service string   `json:"service"`
	Status  string   `json:"status"` // ok, draining or failing
	Failed  []string `json:"failed,omitempty"`
}

const service = "cofounder"

// probes answers /livez, /readyz and /metrics.
func (s *Server) probes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case livez, readyz, metricsPath:
		default:
			next.ServeHTTP(w, r)
			return
		}
		exchangeOf(r.Context()).route = r.URL.Path
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			WriteError(w, r, fault.New(fault.NotAllowed, "", "This address can only be read."))
			return
		}
		switch r.URL.Path {
		case livez:
			writeStanding(w, r, http.StatusOK, standing{Status: "ok"})
		case readyz:
			s.readiness(w, r)
		case metricsPath:
			s.scrape(w, r)
		}
	})
}

func (s *Server) readiness(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		writeStanding(w, r, http.StatusServiceUnavailable, standing{Status: "draining"})
		return
	}
	if failed := s.health.ready(r.Context(), s); len(failed) > 0 {
		writeStanding(w, r, http.StatusServiceUnavailable, standing{Status: "failing", Failed: failed})
		return
	}
	writeStanding(w, r, http.StatusOK, standing{Status: "ok"})
}

func writeStanding(w http.ResponseWriter, r *http.Request, status int, body standing) {
	body.Service = service
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings always encode
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(b, '\n')) //nolint:errcheck // a probe that left needs no answer
	}
}

// scrape shows metrics to those who may see them.
func (s *Server) scrape(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Metrics == nil {
		WriteError(w, r, fault.New(fault.NotFound, "", "There is nothing at this address."))
		return
	}
	if !s.mayScrape(r) {
		WriteError(w, r, fault.New(fault.Forbidden, "metrics_closed",
			"Metrics are shown to programs on the same computer only, or to those that send COFOUNDER_METRICS_TOKEN as a bearer token once it is set."))
		return
	}
	s.cfg.Metrics.ServeHTTP(w, r)
}

// mayScrape lets the token decide where there is one. Without it loopback is
// believed only as long as nothing published stands in front, since a proxy on this
// computer makes everyone look local, and only under our own names, since a page
// that rebinds its name to this computer looks local too.
func (s *Server) mayScrape(r *http.Request) bool {
	if s.cfg.MetricsToken != "" {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		return ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.MetricsToken)) == 1
	}
	if !s.isOwn(r.Host) {
		return false
	}
	client, viaProxy := s.clientOf(r)
	forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
	return client.IsLoopback() && (viaProxy || !forwarded) && isLoopback(s.cfg.PublicURL.Hostname())
}
