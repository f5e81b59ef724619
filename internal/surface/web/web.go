package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/flow/queueui"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// Config is what the pages need. All but Apps, Cages, AppLink and Machine are required.
type Config struct {
	Accounts *account.Accounts
	Projects *project.Projects

	// From idea to decision.
	Journeys   *journey.Journeys
	Documents  *document.Documents
	Interviews *interview.Interviews

	Options *option.Options

	Meter       *meter.Meter
	Connections *meter.Connections
	Model       *meter.Model

	Admin *admin.Desk
	// Runs tells what single runs were for.
	Runs *flow.Engine
	// Jobs are River's own pages, made for JobPages.
	Jobs *queueui.Pages

	// Apps are the built apps; nil where there are none.
	Apps *hosting.Host
	// Cages lists what runs in cages of this process; nil where nothing does. It must
	// return when ctx ends.
	Cages func(ctx context.Context) []sandbox.Living
	// AppLink returns an address that lets a viewer into an app and leads to path there.
	// Nil where apps cannot be shown under the address in use.
	AppLink func(label, viewer string, in Showing, path string) string

	Clock clock.Clock
	Log   *slog.Logger
	// PublicURL is where browsers reach us, scheme and host only.
	PublicURL *url.URL
	// SignUpOpen shows the page for making an account to anyone.
	SignUpOpen bool
	// Version is the product's own.
	Version string
	// Program is how to call this program in a terminal.
	Program string
	// Machine tells what this computer can and cannot do, for the start page;
	// nil leaves that part out. It is called for each such page and must not
	// block.
	Machine func() []Fact
}

// Fact is one thing this computer can or cannot do, in plain words.
type Fact = view.Fact

// ReachAI is What of the fact that each team's own connection stands in for.
const ReachAI = "Reach an AI"

// Site serves the pages. It is safe for concurrent use.
type Site struct {
	cfg     Config
	files   *files
	mux     httpd.Mux
	worker  []byte // the service worker's script
	readers httpd.Readers
	// keepsCookies says whether browsers accept a Secure cookie from PublicURL.
	keepsCookies bool
}

// New returns the pages over cfg.
func New(cfg Config) (*Site, error) {
	if cfg.Accounts == nil || cfg.Projects == nil || cfg.Journeys == nil || cfg.Documents == nil || cfg.Interviews == nil || cfg.Options == nil ||
		cfg.Meter == nil || cfg.Connections == nil || cfg.Model == nil || cfg.Admin == nil ||
		cfg.Jobs == nil || cfg.Clock == nil || cfg.Log == nil || cfg.PublicURL == nil || cfg.Program == "" {
		return nil, errors.New("web: incomplete Config")
	}
	f, err := loadFiles()
	if err != nil {
		return nil, fmt.Errorf("web: static files: %w", err)
	}
	s := &Site{cfg: cfg, files: f, mux: httpd.NewMux(), keepsCookies: KeepsCookies(cfg.PublicURL)}
	s.worker = s.files.worker()
	s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// TrustedTypes are the names of the Trusted Types policies our scripts make;
// httpd puts them into the content security policy.
func TrustedTypes() []string { return []string{"htmx", "cofounder"} }

// KeepsCookies reports whether browsers keep our sign-in from u: its cookie is
// Secure, so over HTTPS, and over HTTP from the computer itself.
func KeepsCookies(u *url.URL) bool {
	return u.Scheme == "https" || loopback(u.Hostname())
}

// loopback reports whether a host is the computer itself.
func loopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
