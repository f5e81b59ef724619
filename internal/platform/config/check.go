package config

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

const (
	secretLength = 32 // bytes; as many as the key derived from it
	tokenLength  = 16
	maxSlots     = 1000
)

// check looks at what types cannot say. It skips what is already known to be
// wrong.
func (l *loader) check(c *Config) {
	l.addr(c.HTTP.Addr)
	l.publicURL(c)
	l.previewHost(c)
	l.data(c.Data)
	l.process(c)
	l.choices(c)
	l.packageHosts(c)
	l.endpoint(c.Telemetry)
	if t := c.Telemetry.MetricsToken; t.IsSet() && len(t.Reveal()) < tokenLength {
		l.problems.add("COFOUNDER_METRICS_TOKEN", "is too short: use at least 16 characters")
	}
	if file := c.AI.RateCard; file != "" && !filepath.IsAbs(file) {
		l.problems.add("COFOUNDER_RATE_CARD", "is not an absolute path")
	}
	l.stripe(c)
}

func (l *loader) addr(addr string) {
	const key = "COFOUNDER_ADDR"
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		l.problems.add(key, "is not host:port: write it like localhost:8080, or :8080 for every address of this computer")
		return
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		l.problems.add(key, "has no port between 1 and 65535 after the colon")
		return
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		l.problems.add(key, "names a host to listen on that is neither localhost nor an IP address: browsers are told about names with COFOUNDER_URL")
	}
}

func (l *loader) publicURL(c *Config) {
	const key = "COFOUNDER_URL"
	u := c.HTTP.PublicURL
	if u == nil || l.problems.on(key) {
		return
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		l.problems.add(key, "does not begin with http:// or https://")
	case u.Hostname() == "" || strings.ContainsAny(u.Host, " \t\"<>") || strings.HasSuffix(u.Host, ":"):
		l.problems.add(key, "has no host: write it like https://cofounder.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		l.problems.add(key, "holds more than scheme, host and port")
	case u.Path != "" && u.Path != "/":
		l.problems.add(key, "has a path: cofounder needs a host name of its own, not a folder of another")
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); (u.Scheme == "https" && port == "443") || (u.Scheme == "http" && port == "80") {
		host = strings.TrimSuffix(host, ":"+port) // as browsers write an origin
	}
	c.HTTP.PublicURL = &url.URL{Scheme: u.Scheme, Host: host}
}

// previewHost keeps apps on a site that shares nothing with ours: cookies and
// same-site rules go by registrable domain.
func (l *loader) previewHost(c *Config) {
	const key = "COFOUNDER_PREVIEW_HOST"
	if !l.has(key) || l.problems.on(key) {
		return
	}
	host := strings.ToLower(strings.TrimSuffix(c.HTTP.PreviewHost, "."))
	if !hostName.MatchString(host) || len(host) > previewHostLength {
		l.problems.add(key, "is not a host name: write it like apps.example.net, without https://, port or *")
		return
	}
	c.HTTP.PreviewHost = host
	if c.HTTP.PublicURL == nil || l.problems.on("COFOUNDER_URL") {
		return
	}
	ours, err := publicsuffix.EffectiveTLDPlusOne(c.HTTP.PublicURL.Hostname())
	if err != nil {
		ours = c.HTTP.PublicURL.Hostname() // an address or a name of one label
	}
	if host == ours || strings.HasSuffix(host, "."+ours) {
		l.problems.add(key, "belongs to the same domain as COFOUNDER_URL ("+ours+"): apps need a domain of their own, or what an AI wrote could come near your sign-in")
	}
}

// hostName is a DNS name of at least two labels that do not begin or end with -.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// previewHostLength leaves room for the label and its dot in a DNS name.
const previewHostLength = 253 - 64

func (l *loader) data(d Data) {
	if !l.problems.on("COFOUNDER_DATA") && !filepath.IsAbs(d.Dir) {
		l.problems.add("COFOUNDER_DATA", "is not an absolute path")
	}
	if d.DatabaseURL.IsSet() {
		u, err := url.Parse(d.DatabaseURL.Reveal())
		if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			l.problems.add("DATABASE_URL", "is not an address of PostgreSQL: write it like postgres://user:password@host/database, with special characters in the password percent-encoded")
		}
		if !d.Secret.IsSet() {
			l.problems.add("COFOUNDER_SECRET", "is required with DATABASE_URL: make one with openssl rand -base64 32 and give it to every process")
		}
	}
	if d.Secret.IsSet() && len(d.Secret.Reveal()) < secretLength {
		l.problems.add("COFOUNDER_SECRET", "is too short: use at least 32 characters, for example from openssl rand -base64 32")
	}
}

func (l *loader) process(c *Config) {
	const duck, drain, stop = "COFOUNDER_LAME_DUCK", "COFOUNDER_DRAIN", "COFOUNDER_STOP_TIMEOUT"
	p := &c.Process
	if p.Slots < 1 || p.Slots > maxSlots {
		l.problems.add("COFOUNDER_SLOTS", "must be between 1 and 1000")
	}
	if p.MaxWaiting < 0 {
		l.problems.add("COFOUNDER_MAX_WAITING", "cannot be negative: 0 is no limit")
	}
	for _, r := range p.Roles {
		if r != Web && r != Worker {
			l.problems.add("COFOUNDER_ROLES", "holds a role there is not: choose from web and worker, separated by commas")
		}
	}
	l.peerAddr(p.PeerAddr)
	if l.problems.on(duck, drain, stop) {
		return
	}
	if p.LameDuck < 0 {
		l.problems.add(duck, "is negative")
	}
	if p.Drain <= 0 {
		l.problems.add(drain, "leaves no time to finish requests: use 1s or more")
	}
	if p.LameDuck+p.Drain >= p.StopTimeout && !l.problems.on(duck, drain) {
		l.problems.add(stop, "is "+p.StopTimeout.String()+", not above COFOUNDER_LAME_DUCK + COFOUNDER_DRAIN ("+
			p.LameDuck.String()+" + "+p.Drain.String()+"): requests would be cut by the kill")
	}
}

func (l *loader) peerAddr(addr string) {
	const key = "COFOUNDER_PEER_ADDR"
	if !l.has(key) || l.problems.on(key) {
		return
	}
	host, port, err := net.SplitHostPort(addr)
	n, bad := strconv.ParseUint(port, 10, 16)
	ip, none := netip.ParseAddr(host)
	if err != nil || bad != nil || n == 0 || host == "" || none == nil && ip.IsUnspecified() {
		l.problems.add(key, "is not an address that others can reach: write it like 10.0.0.7:7946")
	}
}

func (l *loader) choices(c *Config) {
	if s := c.Accounts.SignUp; s != SignUpClosed && s != SignUpOpen {
		l.problems.add("COFOUNDER_SIGNUP", "is neither closed nor open")
	}
	if !slices.Contains([]string{"auto", "readable", "json"}, c.Log.Format) {
		l.problems.add("COFOUNDER_LOG", "is none of auto, readable, json")
	}
}

// packageHosts gives each host its port.
func (l *loader) packageHosts(c *Config) {
	for i, h := range c.Cages.PackageHosts {
		h = strings.ToLower(strings.TrimSpace(h))
		name, port, err := net.SplitHostPort(h)
		if err != nil {
			name, port = h, "443"
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || name == "" || strings.ContainsAny(name, "*/:@ ") {
			l.problems.add("COFOUNDER_PACKAGE_HOSTS", "holds something other than names: write them like packages.example.com or packages.example.com:8443, without patterns")
			return
		}
		c.Cages.PackageHosts[i] = net.JoinHostPort(name, port)
	}
}

func (l *loader) endpoint(t Telemetry) {
	if t.OTLPEndpoint == "" {
		return
	}
	u, err := url.Parse(t.OTLPEndpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.User != nil {
		l.problems.add("OTEL_EXPORTER_OTLP_ENDPOINT", "is not an address: write it like http://localhost:4318")
	}
}

// Warnings are settings that are allowed and will still disappoint someone. They
// are for the start of the program and for doctor.
func (c Config) Warnings() []string {
	var list []string
	public := c.HTTP.PublicURL
	local := isLocal(public.Hostname())
	if public.Scheme == "http" && !local {
		list = append(list, "COFOUNDER_URL is "+public.String()+": browsers keep no sign-in over plain http except on this computer. Put https in front and set COFOUNDER_URL to it.")
	}
	if host, _, err := net.SplitHostPort(c.HTTP.Addr); err == nil && !isLocal(host) && c.origins["COFOUNDER_URL"] == fromDefault {
		list = append(list, "COFOUNDER_ADDR listens beyond this computer, but COFOUNDER_URL is not set: from elsewhere every page will be refused.")
	}
	if public.Scheme == "https" && len(c.HTTP.TrustedProxies) == 0 {
		list = append(list, "COFOUNDER_URL is https, but COFOUNDER_TRUSTED_PROXIES is not set: whatever ends https in front of us is taken for the client of every request.")
	}
	if c.HTTP.PreviewURL() == nil {
		list = append(list, "COFOUNDER_PREVIEW_HOST is not set: built apps cannot be shown, since each needs an address on a domain other than COFOUNDER_URL's.")
	}
	if public.Scheme == "https" && strings.HasPrefix(c.Stripe.Key.Reveal(), "sk_test_") {
		list = append(list, "STRIPE_SECRET_KEY is a test key: nobody will be charged.")
	}
	return list
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// didYouMean offers the nearest known key when it is near enough to be a slip.
func didYouMean(key string, known []string) string {
	best, least := "", 4
	for _, k := range known {
		if d := distance(key, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// distance is Levenshtein's: inserted, removed and replaced characters.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
