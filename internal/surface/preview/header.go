package preview

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// secretPrefix begins an access key of ours (account.CreateToken).
const secretPrefix = "cof_"

// private reports whether a header says something of the viewer or of us that an app
// has no business with: who proxies in front say this is, and where the request
// went. Names are in canonical form.
func private(name string) bool {
	for _, prefix := range []string{
		"X-Forwarded-", "X-Real-", "X-Amzn-", "X-Auth-Request-", "X-Goog-", "X-Ms-Client-", "X-Envoy-", "X-Authentik-",
		"X-Pomerium-", "X-Remote-", "X-Original-", "Cf-", "Tailscale-", "Remote-",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"Forwarded", "Via", "True-Client-Ip", "X-Client-Ip", "Proxy-Authorization", "Traceparent", "Tracestate", "Baggage",
		"X-Request-Id", "X-Correlation-Id", "X-Webauth-User",
	}, name)
}

// towardsApp is a request's header as an app gets it. Authorization passes, since
// apps have keys of their own; one of ours does not.
func towardsApp(in http.Header) http.Header {
	out := http.Header{}
	for name, values := range in {
		// Many servers take a name with _ for the one with -.
		canonical := textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
		switch {
		case private(canonical), holdsOurKey(values):
			continue
		case canonical == "Cookie":
			if values = withoutOurs(values); len(values) == 0 {
				continue
			}
		}
		out[name] = values
	}
	return out
}

func holdsOurKey(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, secretPrefix) })
}

// towardsBrowser takes out of an app's answer what would reach beyond the app.
func towardsBrowser(h http.Header, as Showing) {
	for _, name := range []string{
		"Service-Worker-Allowed",      // a worker of a part may not take the whole, and our own path
		"X-Frame-Options",             // who may show it, frame-ancestors says
		"Clear-Site-Data",             // would clear the cookies of all apps
		"Strict-Transport-Security",   // would outlive the app, at names below it
		"Alt-Svc", "Nel", "Report-To", // would send its traffic, or word of it, elsewhere
		"Reporting-Endpoints", "Expect-Ct", // as Report-To
		"Set-Cookie2", "Set-Login", "Server-Timing",
	} {
		h.Del(name)
	}
	if cookies := h.Values("Set-Cookie"); len(cookies) > 0 {
		h.Del("Set-Cookie")
		for _, c := range cookies {
			if c = appCookie(c, as); c != "" {
				h.Add("Set-Cookie", c)
			}
		}
	}
	if policies := h.Values("Content-Security-Policy"); len(policies) > 0 {
		h.Del("Content-Security-Policy")
		for _, p := range policies {
			if p = withoutAncestors(p); p != "" {
				h.Add("Content-Security-Policy", p)
			}
		}
	}
}

// withoutAncestors takes frame-ancestors and reports out of a content
// security policy; a header may hold several, separated by commas.
func withoutAncestors(policy string) string {
	var policies []string
	for one := range strings.SplitSeq(policy, ",") {
		var kept []string
		for directive := range strings.SplitSeq(one, ";") {
			words := strings.Fields(directive)
			if len(words) == 0 || slices.Contains([]string{"frame-ancestors", "report-uri", "report-to"}, strings.ToLower(words[0])) {
				continue
			}
			kept = append(kept, strings.Join(words, " "))
		}
		if len(kept) > 0 {
			policies = append(policies, strings.Join(kept, "; "))
		}
	}
	return strings.Join(policies, ", ")
}
