package preview

import (
	"net/http"
	"strings"
	"time"
)

// The pass has another name in a frame than in a tab, where it is another cookie too:
// browsers keep what was set in a frame of our pages apart from what was set in a
// tab. The prefix keeps other apps, which share our domain, from setting it.
const ourCookies = "__Host-cofounder" // so begins the name of the session's cookie too

func cookieName(as Showing) string { return ourCookies + "-" + string(as) }

// give leaves the pass with the browser.
func (s *Site) give(w http.ResponseWriter, label string, p pass) {
	p.Until = s.cfg.Clock.Now().Add(passFor)
	c := &http.Cookie{
		Name: cookieName(p.As), Value: s.seal(passPurpose, label, p), Path: "/", MaxAge: int(passFor / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if p.As == InFrame {
		// The only kind that comes back from a frame on another site.
		c.SameSite, c.Partitioned = http.SameSiteNoneMode, true
	}
	http.SetCookie(w, c)
}

// renew gives a pass again when half of its time is over.
func (s *Site) renew(w http.ResponseWriter, label string, p pass) {
	if p.Until.Sub(s.cfg.Clock.Now()) < passFor/2 {
		s.give(w, label, p)
	}
}

// passOf finds the pass a browser sent. The frame's counts first: where a browser
// does not keep the two apart, what works in a frame works in a tab too.
func (s *Site) passOf(r *http.Request, label string) (pass, bool) {
	for _, as := range []Showing{InFrame, InTab} {
		for _, c := range r.CookiesNamed(cookieName(as)) {
			if p, ok := s.unseal(passPurpose, label, c.Value); ok && p.As == as {
				return p, true
			}
		}
	}
	return pass{}, false
}

// withoutOurs takes our cookies out of the values of Cookie headers. It splits as
// browsers join, and leaves everything else as it is.
func withoutOurs(headers []string) []string {
	var kept []string
	for _, header := range headers {
		var parts []string
		for part := range strings.SplitSeq(header, ";") {
			part = strings.TrimSpace(part)
			if part != "" && !isOurs(part) {
				parts = append(parts, part)
			}
		}
		if len(parts) > 0 {
			kept = append(kept, strings.Join(parts, "; "))
		}
	}
	return kept
}

// isOurs reports whether a name=value has a name like ours, in whatever case.
func isOurs(pair string) bool {
	pair = strings.TrimLeft(pair, "= \t\"")
	return len(pair) >= len(ourCookies) && strings.EqualFold(pair[:len(ourCookies)], ourCookies)
}

// appCookie is an app's Set-Cookie as it may leave: for its own host only, and in a
// frame such that browsers keep it there. It is "" when it is one of ours. Name,
// value and the other attributes stay as they are.
func appCookie(header string, as Showing) string {
	parts := strings.Split(header, ";")
	if isOurs(parts[0]) {
		return ""
	}
	kept := parts[:1]
	for _, part := range parts[1:] {
		name, _, _ := strings.Cut(part, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "":
		case "domain":
		case "samesite", "secure", "partitioned":
			if as != InFrame {
				kept = append(kept, part)
			}
		default:
			kept = append(kept, part)
		}
	}
	if as == InFrame {
		kept = append(kept, " SameSite=None", " Secure", " Partitioned")
	}
	return strings.Join(kept, ";")
}
