package httpd

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddr returns the IP address of whoever sent r, for throttling and for the
// list of sessions: the peer's own, or what trusted proxies say of it. It is ""
// when the peer has none (a unix socket).
func ClientAddr(r *http.Request) string {
	if x := exchangeOf(r.Context()); x != nil {
		return addrText(x.client)
	}
	return addrText(peerOf(r))
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// clientOf walks X-Forwarded-For from the right, where each proxy appended the
// peer it saw, and stops at the first address we do not trust: everything left
// of it was written by that client. viaProxy says that the peer itself is
// trusted, so that its other headers may be believed too.
func (s *Server) clientOf(r *http.Request) (client netip.Addr, viaProxy bool) {
	peer := peerOf(r)
	if !s.trusts(peer) {
		return peer, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client = peer
	for _, text := range slices.Backward(hops) {
		hop, ok := parseHop(strings.TrimSpace(text))
		if !ok {
			break
		}
		client = hop
		if !s.trusts(hop) {
			break
		}
	}
	return client, true
}

// parseHop reads an address with or without a port; some balancers add one.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
