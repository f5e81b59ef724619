package web

import (
	"net/http"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/web/view"
)

// redeem signs in whoever opens the link printed in the terminal. Browsers and
// other programs that only look ahead do not use it up.
func (s *Site) redeem(w http.ResponseWriter, r *http.Request) error {
	if looksAhead(r) {
		w.Header().Set("Cache-Control", string(secret))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if !s.keepsCookies {
		return s.cannotSignIn(w, r)
	}
	key, done, err := s.cfg.Accounts.Redeem(r.Context(), r.PathValue("code"), device(r))
	if fault.Is(err, fault.Gone) || fault.Is(err, fault.NotFound) {
		if _, signedIn := s.visitOf(r); signedIn == nil {
			seeOther(w, r, "/")
			return nil
		}
		return s.staleLink(w, r, fault.Of(err))
	}
	if err != nil {
		return err
	}
	next := "/"
	if done.Reset {
		next = "/account/reset"
	}
	return s.enter(w, r, key, next)
}

// looksAhead recognises requests that nobody pressed: HEAD, and what browsers
// fetch before a link is followed (https://fetch.spec.whatwg.org/#sec-purpose-header).
func looksAhead(r *http.Request) bool {
	if r.Method == http.MethodHead {
		return true
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if strings.Contains(r.Header.Get(name), "prefetch") {
			return true
		}
	}
	return false
}

// staleLink says what became of a link and how to get a new one.
func (s *Site) staleLink(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	p := view.Problem{
		Status: http.StatusGone, Text: f.Detail, Home: true,
		Do:      "A new link is printed each time cofounder starts. While it runs, this command in the terminal makes one:",
		Setting: s.cfg.Program + " user reset",
	}
	switch {
	case f.Kind == fault.NotFound:
		p.Status, p.Title = http.StatusNotFound, "This link is incomplete, or I did not make it."
	case f.Code == "link_expired":
		p.Title = "This link has expired"
	default:
		p.Title = "This link was used already"
	}
	return s.page(w, r, p.Status, secret, view.ProblemPage(s.outside(r, p.Title), p))
}
