// Package config is every setting there is: read from the environment and
// optionally from a file of the same KEY=VALUE lines, checked at start, redacted
// when printed.
//
// The environment wins over the file. Everything wrong is reported at once, by
// key and in plain words. A COFOUNDER_ key nobody knows is an error, because the
// setting it was meant for would silently keep its default; so is a key that is
// set but empty, except for those whose owners define empty as not set
// (DATABASE_URL, ANTHROPIC_API_KEY, OTEL_EXPORTER_OTLP_ENDPOINT).
//
// The struct tags are the documentation: docs/CONFIG.md is written from them.
// Tag env is the key, envDefault its default, unset what stands in for a default
// that depends, says what the setting means.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Config is what the program was told. Load makes one; it is not changed later.
type Config struct {
	HTTP      HTTP      `title:"Addresses"`
	Data      Data      `title:"Data"`
	Process   Process   `title:"The process"`
	Accounts  Accounts  `title:"Accounts"`
	Log       Log       `title:"Logs and measurements"`
	Telemetry Telemetry `title:""`
	Cages     Cages     `title:"Running built apps"`
	AI        AI        `title:"AI"`
	Stripe    Stripe    `title:"Stripe"`

	origins map[string]string // key → environment, file or default
}

// HTTP is where we are reached.
type HTTP struct {
	Addr           string         `env:"COFOUNDER_ADDR" envDefault:"localhost:8080" says:"Address to listen on, as host:port. The host is localhost (both 127.0.0.1 and ::1), an IP address, or empty for every address of this computer."`
	PublicURL      *url.URL       `env:"COFOUNDER_URL" unset:"http://localhost:PORT, with the port of COFOUNDER_ADDR" says:"Where browsers reach cofounder: http or https, host and port, no path. Requests under any other name are refused. Sign-in works over https, and over http only on this computer."`
	PreviewHost    string         `env:"COFOUNDER_PREVIEW_HOST" unset:"preview.localhost while COFOUNDER_URL is on this computer; otherwise apps are not shown" says:"Name below which each built app has an address of its own, as LABEL.NAME, with the scheme and port of COFOUNDER_URL. It must belong to another registrable domain than COFOUNDER_URL, since apps are written by an AI and must not come near sign-in; point *.NAME at cofounder, with a certificate for it."`
	TrustedProxies []netip.Prefix `env:"COFOUNDER_TRUSTED_PROXIES" unset:"none" says:"Networks of the proxies or balancers in front, as CIDRs separated by commas. Only they are believed about a client's address (X-Forwarded-For), request id and trace. Setting it also gives connections that were opened ahead 120 s instead of 10 s to send their first header."`
}

// PreviewURL is what the addresses of built apps are made of: an app's label and a
// dot go in front of its host. Nil means that apps cannot be shown.
//
// Browsers take every name below localhost for this computer, and a page on
// localhost and one on preview.localhost for different sites.
func (h HTTP) PreviewURL() *url.URL {
	host := h.PreviewHost
	switch {
	case host != "":
	case isLocal(h.PublicURL.Hostname()):
		host = "preview.localhost"
	default:
		return nil
	}
	if port := h.PublicURL.Port(); port != "" {
		host += ":" + port
	}
	return &url.URL{Scheme: h.PublicURL.Scheme, Host: host}
}

// Data is where things are kept.
type Data struct {
	Dir         string `env:"COFOUNDER_DATA" unset:"/var/lib/cofounder as root; ~/Library/Application Support/cofounder on macOS; else $XDG_DATA_HOME/cofounder or ~/.local/share/cofounder" says:"Folder for the private database and this installation's secret. An absolute path."`
	DatabaseURL Secret `env:"DATABASE_URL" unset:"a private PostgreSQL in the data folder" says:"PostgreSQL to use instead of the private one, as postgres://user:password@host/database."`
	Secret      Secret `env:"COFOUNDER_SECRET" unset:"made once in the data folder, readable by its owner only" says:"Encrypts keys at rest: at least 32 characters, for example from openssl rand -base64 32. Required with DATABASE_URL, and then the same for every process of the installation. Losing it loses the keys that were entered."`
}

// Role is a part of the work a process takes on.
type Role string

// The roles.
const (
	Web    Role = "web"
	Worker Role = "worker"
)

// Process is how the program runs and stops.
type Process struct {
	Roles       []Role        `env:"COFOUNDER_ROLES" envDefault:"web,worker" says:"What this process does, separated by commas: web (pages and API), worker (background work)."`
	LameDuck    time.Duration `env:"COFOUNDER_LAME_DUCK" unset:"0s with the private database, 20s with DATABASE_URL" says:"After the signal to stop, how long requests are still taken while /readyz already answers 503. Longer than a balancer needs to notice: its interval × its failures, plus its time limit."`
	Drain       time.Duration `env:"COFOUNDER_DRAIN" unset:"10s with the private database, 85s with DATABASE_URL" says:"How long requests may then take to finish before they are cut."`
	Slots       int           `env:"COFOUNDER_SLOTS" envDefault:"8" says:"How many pieces of work, such as the parts of builds, this process does at a time. Most of their time they wait for a model."`
	MaxWaiting  int           `env:"COFOUNDER_MAX_WAITING" envDefault:"1000" says:"While as many builds wait for their turn over all processes, no more are taken in: founders are told when to come back. What is due later does not count. Interviews and every other kind of work have a line as long of their own. 0 is no limit."`
	PeerAddr    string        `env:"COFOUNDER_PEER_ADDR" unset:"a free port that only processes of this computer reach" says:"Address, as host:port, where the other processes of this installation reach this one, for built apps that run here. It is listened on; the host is an address of this computer that the others can reach. Only with COFOUNDER_SECRET can anybody speak there, and what is said is encrypted. Needed when processes run on several computers."`
	StopTimeout time.Duration `env:"COFOUNDER_STOP_TIMEOUT" envDefault:"120s" says:"When whoever runs us kills the process after the signal (Fargate: stopTimeout). COFOUNDER_LAME_DUCK + COFOUNDER_DRAIN must be below it."`
}

// Has reports whether this process takes on r.
func (p Process) Has(r Role) bool { return slices.Contains(p.Roles, r) }

// SignUp says who may make an account.
type SignUp string

// The ways to sign up. Closed: by invitation only, or the first start link.
const (
	SignUpClosed SignUp = "closed"
	SignUpOpen   SignUp = "open"
)

// Accounts is who may come in.
type Accounts struct {
	SignUp SignUp `env:"COFOUNDER_SIGNUP" envDefault:"closed" says:"Who may make an account: closed (only who was invited) or open (anyone who reaches the page)."`
}

// Log is how the log looks. Format is auto, readable or json.
type Log struct {
	Format string     `env:"COFOUNDER_LOG" envDefault:"auto" says:"How log lines look: readable, json, or auto (readable on a terminal, json elsewhere). In readable, requests that went well are logged at level debug."`
	Level  slog.Level `env:"COFOUNDER_LOG_LEVEL" envDefault:"info" says:"From which level lines are written: debug, info, warn or error. Above info, the references of refused requests (4xx) are not in the log."`
}

// Telemetry is who may see measurements, and where they are sent.
type Telemetry struct {
	MetricsToken Secret `env:"COFOUNDER_METRICS_TOKEN" unset:"/metrics answers programs on this computer only, and nobody once COFOUNDER_URL is not on this computer" says:"Bearer token every scraper of /metrics must send, also one on this computer. At least 16 characters."`
	OTLPEndpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" unset:"nothing is sent" says:"Collector to send metrics and traces to over OTLP/HTTP, for example http://localhost:4318. The exporter's other OTEL_EXPORTER_OTLP_ variables keep their customary meaning."`
}

// Cages is what code that is built may reach.
type Cages struct {
	PackageHosts    []string       `env:"COFOUNDER_PACKAGE_HOSTS" unset:"what go, npm and pip of this computer are configured with" says:"More hosts that packages may be fetched from while an app is built, as name or name:port, separated by commas. They are reached over https, through the proxy of HTTPS_PROXY and NO_PROXY if there is one."`
	Warm            bool           `env:"COFOUNDER_WARM" envDefault:"true" says:"Whether what every build needs (Go's standard library) is compiled ahead, in the background, when this computer has not done so yet. It takes a minute or two of its processors, once for each version of Go, and 300 MB in COFOUNDER_DATA."`
	PackageNetworks []netip.Prefix `env:"COFOUNDER_PACKAGE_NETWORKS" unset:"none: packages come from public addresses only" says:"Private networks, as CIDRs separated by commas, in which a host that packages are fetched from may be. Everything in them that has a name on the list can then be reached by code that is being built."`
}

// AI is the operator's own key, and what models cost.
type AI struct {
	RateCard     string `env:"COFOUNDER_RATE_CARD" unset:"the built-in prices of Anthropic's models" says:"File with prices of more models, or with other prices than the built-in ones, as docs/RATES.md describes. A model without a price is not asked. An absolute path."`
	AnthropicKey Secret `env:"ANTHROPIC_API_KEY" unset:"demo mode, or the keys entered on the page" says:"The operator's own key. It is used only after limits were confirmed on the page."`
}

// Load reads the settings from environ (KEY=VALUE, as os.Environ returns them)
// and from file, or, when file is empty, from the file COFOUNDER_CONFIG names, if
// any. The error is an *Error that lists every problem.
func Load(environ []string, file string) (Config, error) {
	l := newLoader(environ)
	l.read(file)
	l.depends()
	c := l.parse()
	l.check(&c)
	if err := l.problems.err(); err != nil {
		return Config{}, err
	}
	c.origins = l.origins
	return c, nil
}
