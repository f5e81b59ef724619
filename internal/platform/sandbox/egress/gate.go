package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"cofounder/internal/base/clock"
)

// Config is what a Gate needs.
type Config struct {
	// Registries says what package clients are configured with, for example Discover. It
	// is asked once, when the first door opens. Nil is none.
	Registries func(context.Context) []Registry
	// Hosts may be reached, too, each as name:port.
	Hosts []string
	// Private are networks that names on the list may lead to although they are private:
	// for a registry inside a company.
	Private []netip.Prefix
	// Proxy says through which proxy of this machine a host is reached; nil, and a nil
	// answer, is directly. A proxy resolves names itself, so addresses are then its
	// business.
	Proxy func(*url.URL) (*url.URL, error)
	// Lookup resolves names; nil is the system's resolver.
	Lookup func(ctx context.Context, name string) ([]netip.Addr, error)
	Clock  clock.Clock
	Log    *slog.Logger
}

// Bounds of one door.
const (
	maxDown    = 2 << 30          // bytes into the cage
	maxUp      = 16 << 20         // bytes out of it; asking for packages takes little
	maxConns   = 64               // at once
	maxOpen    = 15 * time.Minute // how long a door stays open
	maxIdle    = time.Minute      // without a byte in either direction
	dialLimit  = 10 * time.Second
	helloLimit = 10 * time.Second // until a connection says whom it wants
)

// Gate knows which hosts may be reached. It is safe for concurrent use.
type Gate struct {
	cfg   Config
	hosts []string // of the operator

	asking     sync.Mutex
	asked      bool
	registries []Registry
}

// New returns a gate. A host that is not name:port is an error.
func New(cfg Config) (*Gate, error) {
	g := &Gate{cfg: cfg}
	for _, h := range cfg.Hosts {
		name, port, err := net.SplitHostPort(strings.ToLower(h))
		if err != nil || name == "" || port == "" || strings.ContainsAny(name, "*/@") {
			return nil, fmt.Errorf("%q is not a host and port", h)
		}
		g.hosts = append(g.hosts, net.JoinHostPort(name, port))
	}
	if g.cfg.Lookup == nil {
		g.cfg.Lookup = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	return g, nil
}

// Registries returns what package clients are configured with.
func (g *Gate) Registries(ctx context.Context) []Registry {
	g.asking.Lock()
	defer g.asking.Unlock()
	if !g.asked && g.cfg.Registries != nil {
		g.registries = g.cfg.Registries(context.WithoutCancel(ctx))
	}
	g.asked = true
	return g.registries
}

// Hosts returns what may be reached, in order.
func (g *Gate) Hosts(ctx context.Context) []string {
	hosts := slices.Clone(g.hosts)
	for _, r := range g.Registries(ctx) {
		hosts = append(hosts, r.Hosts...)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// errDenied are the reasons a cage is told and the log keeps.
var (
	errHost    = errors.New("this host is not on the list")
	errAddress = errors.New("this host leads to an address that may not be reached")
	errTLS     = errors.New("only TLS for the host that was asked for may pass")
)

// dial connects to a host on the list.
func (g *Gate) dial(ctx context.Context, host string) (net.Conn, error) {
	if !slices.Contains(g.Hosts(ctx), host) {
		return nil, errHost
	}
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	if g.cfg.Proxy != nil {
		proxy, err := g.cfg.Proxy(&url.URL{Scheme: "https", Host: host})
		if err != nil {
			return nil, fmt.Errorf("choose a proxy: %w", err)
		}
		if proxy != nil {
			return dialThrough(ctx, proxy, host)
		}
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return nil, errHost
	}
	return g.dialDirect(ctx, name, port)
}

// dialDirect resolves a name once and connects to an address that was checked.
func (g *Gate) dialDirect(ctx context.Context, name, port string) (net.Conn, error) {
	found, err := g.cfg.Lookup(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	failed := errAddress
	for _, address := range found {
		if !g.permitted(address) {
			continue
		}
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(address.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		failed = err
	}
	return nil, failed
}

// permitted reports whether an address is on the Internet, or allowed by name.
func (g *Gate) permitted(address netip.Addr) bool {
	address = address.Unmap()
	if !address.IsValid() || address.Zone() != "" {
		return false
	}
	for _, network := range g.cfg.Private {
		if network.Contains(address) {
			return true
		}
	}
	return address.IsGlobalUnicast() && !address.IsPrivate() &&
		!slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(address) })
}

// special are networks that look public and are not: shared between carriers (where
// clouds keep metadata, too), tests of networks, translations that lead to IPv4
// addresses, and what is reserved. From the special-purpose registries of IANA.
func special() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
