package preview

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/seal"
	"cofounder/internal/surface/httpd"
)

// Apps are the running apps, by label. hosting.Host is one.
type Apps interface {
	// Wake starts the app unless it runs, waits until it runs or cannot, at most until
	// ctx ends, and returns how it stands then. An app nobody knows is fault.NotFound.
	Wake(ctx context.Context, label string) (hosting.Standing, error)
	// Dial connects to a running app.
	Dial(ctx context.Context, label string) (net.Conn, error)
}

// Config is what a Site needs. All is required.
type Config struct {
	Apps Apps
	// Admit asks the product whether a viewer may use the app of a label: nil, or a
	// fault. The viewer is "" for somebody without a pass; the fault is
	// Unauthenticated when a link would help, NotFound for a label nobody has.
	Admit func(ctx context.Context, label, viewer string) error
	Box   *seal.Box
	Clock clock.Clock
	Log   *slog.Logger
	// URL is what the addresses of apps are made of: scheme and host, before which a
	// label and a dot are put. See config.HTTP.PreviewURL.
	URL *url.URL
	// Frames are the origins whose pages may show apps in a frame.
	Frames []string
	// Home is where a viewer without a pass is sent to, an address of the product.
	Home *url.URL
}

// Site serves all apps. It is safe for concurrent use.
type Site struct {
	cfg    Config
	host   string // without port, lower case
	admits *admissions
	proxy  *httputil.ReverseProxy
	wire   *http.Transport
}

// New returns a Site over cfg.
func New(cfg Config) (*Site, error) {
	if cfg.Apps == nil || cfg.Admit == nil || cfg.Box == nil || cfg.Clock == nil || cfg.Log == nil ||
		cfg.URL == nil || cfg.Home == nil || len(cfg.Frames) == 0 {
		return nil, errors.New("preview: incomplete Config")
	}
	s := &Site{cfg: cfg, host: strings.ToLower(cfg.URL.Hostname()), admits: newAdmissions(cfg.Clock, cfg.Admit)}
	s.wire = s.transport()
	s.proxy = s.reverseProxy()
	return s, nil
}

// Close gives back the connections to apps that nobody uses.
func (s *Site) Close() { s.wire.CloseIdleConnections() }

// Owns reports whether a Host header names an app, or could.
func (s *Site) Owns(host string) bool {
	name := hostname(host)
	return name == s.host || strings.HasSuffix(name, "."+s.host)
}

// hostname is a Host header without its port and its last dot, in lower case.
func hostname(host string) string {
	return strings.TrimSuffix(strings.ToLower((&url.URL{Host: host}).Hostname()), ".")
}

// Origin is where an app's pages are, as browsers write it.
func (s *Site) Origin(label string) string {
	return s.cfg.URL.Scheme + "://" + label + "." + s.cfg.URL.Host
}

// FrameSource is what a content security policy must allow so that a page can show
// any app.
func FrameSource(u *url.URL) string { return u.Scheme + "://*." + u.Host }

// label takes an app's label out of a Host header: one DNS label of letters, digits
// and hyphens, so that it can stand in host names, log lines and keys.
func (s *Site) label(host string) (string, bool) {
	label, ok := strings.CutSuffix(hostname(host), "."+s.host)
	return label, ok && wellFormed(label)
}

func wellFormed(label string) bool {
	const longest = 63 // RFC 1035
	if label == "" || len(label) > longest || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// ServeHTTP answers for the app whose name stands in Host. It implements
// http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	httpd.Named(r, "preview")
	if err := httpd.Unlimited(w, r); err != nil {
		panic(http.ErrAbortHandler) // the connection is already gone
	}
	w = &writer{ResponseWriter: w, conn: http.NewResponseController(w)}
	w.Header().Del("X-Request-Id") // ours, and of no use to an app's pages
	label, ok := s.label(r.Host)
	if !ok {
		s.refuse(w, r, unknown())
		return
	}
	v := visit{label: label, r: r}
	if err := s.visit(w, v); err != nil { //nolint:contextcheck // it is the request's
		s.refuse(w, r, err)
	}
}

// visit is one request for one app.
type visit struct {
	label  string
	r      *http.Request
	viewer string  // empty without a pass
	as     Showing // what its pass is for
}

func (s *Site) visit(w http.ResponseWriter, v visit) error {
	if err := plausible(v.r); err != nil {
		return err
	}
	if p := v.r.URL.Path; p == ownPath || strings.HasPrefix(p, ownPath+"/") {
		return s.own(w, v)
	}
	if err := s.sameOrigin(v); err != nil {
		return err
	}
	p, found := s.passOf(v.r, v.label)
	if found {
		v.viewer, v.as = p.Viewer, p.As
	}
	if err := s.admits.ask(v.r.Context(), v.label, v.viewer); err != nil {
		return err
	}
	if found {
		s.renew(w, v.label, p)
	}
	return s.show(w, v)
}

// unknown is what is said of a label that nobody has, or that is none.
func unknown() error {
	return fault.New(fault.NotFound, "", "There is no app at this address.")
}

// plausible refuses requests that a proxy must not pass on.
func plausible(r *http.Request) error {
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return fault.New(fault.NotAllowed, "", "This address does not take "+r.Method+" requests.")
	}
	// An absolute form whose host is not the Host it came with, *, or no path at all.
	if !strings.HasPrefix(r.URL.Path, "/") || r.URL.Host != "" && !strings.EqualFold(r.URL.Host, r.Host) {
		return fault.New(fault.Malformed, "bad_address", "This is not an address within an app.")
	}
	return nil
}
