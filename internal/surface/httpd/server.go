package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/base/id"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

// Limits of a connection and a request. They are constants because no
// installation has a reason to differ; what does differ is in Config.
const (
	// headerLimit holds our cookie and anything a proxy adds, eight times over.
	// Beyond it net/http answers 431.
	headerLimit = 32 << 10
	// bodyDefault is the most a request may send unless its route says more
	// with BodyLimit.
	bodyDefault = 1 << 20
	// requestTimeout ends a request, streams excepted. It is below the drain
	// limit, so that whatever began before a shutdown can finish.
	requestTimeout = 30 * time.Second
	// answerGrace is how long the answer may take to be read after that.
	answerGrace = 15 * time.Second
	// idleTimeout keeps an unused connection longer than a balancer does (an
	// ALB: 60 s), so that it is always the balancer who closes first.
	idleTimeout = 120 * time.Second
	// headerTimeoutExposed cuts clients that send a header slowly.
	headerTimeoutExposed = 10 * time.Second
	// headerTimeoutProxied is above a balancer's idle timeout: it also runs on
	// connections opened ahead and not yet used, and cutting those makes 502s
	// (24 in 14,979 requests when measured with a short one).
	headerTimeoutProxied = 120 * time.Second
)

// Config is what a Server needs. Log, IDs and PublicURL are required.
type Config struct {
	// Addr is host:port. The host localhost means both 127.0.0.1 and [::1]
	// where the computer has it; an empty host means every address.
	Addr string
	// PublicURL is where browsers reach us, scheme and host only. It decides
	// which Host headers are ours, whether HSTS is sent and which origin may
	// write across origins.
	PublicURL *url.URL
	// TrustedProxies may tell us the client's address, request id and trace.
	TrustedProxies []netip.Prefix
	// LameDuck is how long the server goes on taking requests after it was
	// told to stop, while readiness already says no.
	LameDuck time.Duration
	// Drain is how long requests may then take to finish.
	Drain time.Duration
	// FrameSources are the origins a page may show in a frame; none by default.
	FrameSources []string
	// TrustedTypes are the names of the policies our scripts use; none leaves
	// Trusted Types unenforced.
	TrustedTypes []string
	// Sites are served at the same address under names of their own.
	Sites []Site
	// Pages writes errors for browsers; nil answers everything as problem+json.
	Pages ErrorRenderer
	// Checks must all pass for /readyz to say yes.
	Checks []Check
	// Metrics answers /metrics; nil answers 404.
	Metrics http.Handler
	// MetricsToken is what every scraper must send, as a bearer token. Empty lets
	// in only clients on this computer, and only while PublicURL is on it too.
	MetricsToken string
	// RoutineLevel is the level of lines that say all is well: the one each
	// request gets, and that of stopping.
	RoutineLevel slog.Level

	IDs    *id.Source
	Log    *slog.Logger
	Meter  metric.Meter // nil measures nothing
	Tracer trace.Tracer // nil traces nothing
}

// Server serves one handler with everything this package adds. Make one with
// New; use it once.
type Server struct {
	cfg      Config
	chain    http.Handler
	measures measures
	health   health
	hosts    map[string]bool

	mu        sync.Mutex
	listeners []net.Listener
	http      *http.Server

	inFlight  atomic.Int64
	draining  atomic.Bool   // told to stop: readiness says no
	drain     chan struct{} // closed when streams must end
	abort     chan struct{} // closed when everything must end
	abortOnce sync.Once
}

// New returns a server for app, which sees only requests that passed the
// middleware.
func New(cfg Config, app http.Handler) (*Server, error) {
	if cfg.PublicURL == nil || cfg.PublicURL.Host == "" {
		return nil, errors.New("httpd: PublicURL has no host")
	}
	if cfg.Meter == nil {
		cfg.Meter = metricnoop.Meter{}
	}
	if cfg.Tracer == nil {
		cfg.Tracer = tracenoop.Tracer{}
	}
	s := &Server{
		cfg:   cfg,
		drain: make(chan struct{}), abort: make(chan struct{}),
	}
	s.hosts = ownHosts(cfg.Addr, cfg.PublicURL)
	s.health.checks = cfg.Checks
	var err error
	if s.measures, err = newMeasures(cfg.Meter); err != nil {
		return nil, err
	}
	cross := http.NewCrossOriginProtection()
	if err := cross.AddTrustedOrigin(origin(cfg.PublicURL)); err != nil {
		return nil, fmt.Errorf("httpd: trust %s: %w", cfg.PublicURL, err)
	}
	h := app
	h = s.limits(h)
	h = crossOrigin(cross, h)
	h = s.ownHost(h)
	h = cleanAddress(h)
	h = s.secure(h)
	h = s.probes(h)
	h = s.sites(h)
	h = s.rescue(h)
	h = s.observe(h)
	s.chain = s.begin(h)
	return s, nil
}

// Handler is everything Run serves, for tests that bring their own listener.
func (s *Server) Handler() http.Handler { return s.chain }

// Draining returns a channel that is closed when the server that ctx's request
// came through wants its streams to end. Without a server it never is.
func Draining(ctx context.Context) <-chan struct{} {
	if x := exchangeOf(ctx); x != nil {
		return x.server.drain
	}
	return nil
}

// origin is scheme://host[:port], as browsers write it.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
