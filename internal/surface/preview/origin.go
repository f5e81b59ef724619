package preview

import (
	"net/http"
	"strings"

	"cofounder/internal/base/fault"
)

// sameOrigin refuses service workers, which would see our links and work on after their
// version was replaced, and what a page of another origin asks of an app in a viewer's
// name, except to open one of its pages. Apps share a site, so that cookies with
// SameSite do not keep them apart.
func (s *Site) sameOrigin(v visit) error {
	h := v.r.Header
	if h.Get("Service-Worker") != "" {
		return fault.New(fault.Forbidden, "no_service_worker", "Apps have no service workers here: one would outlive the version it came with.")
	}
	switch h.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
		// A program, an old browser, or an address that browsers do not trust.
		origin := h.Get("Origin")
		if origin == "" || strings.EqualFold(origin, s.Origin(v.label)) {
			return nil
		}
	default:
		if h.Get("Sec-Fetch-Mode") == "navigate" && reads(v.r) {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "cross_origin", "A page of another address asked for this, and was not answered.")
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
