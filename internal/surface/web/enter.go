package web

import (
	"net/http"
	"net/url"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// enter keeps a new session in the browser and goes on to next. The session the
// browser had before ends, so that opening a link each day does not leave a
// list of sessions behind.
func (s *Site) enter(w http.ResponseWriter, r *http.Request, secret, next string) error {
	if err := s.leave(r); err != nil {
		return err
	}
	setSession(w, secret)
	seeOther(w, r, "/signed-in?next="+url.QueryEscape(next))
	return nil
}

// seeOther is the only way pages redirect: with GET, and never off this site. Only
// openApp leads elsewhere, to an app.
func seeOther(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, httpd.LocalTarget(to, "/"), http.StatusSeeOther) //nolint:gosec // LocalTarget lets no other site through
}

// leave ends the session the browser came with, if it still is one.
func (s *Site) leave(r *http.Request) error {
	v, err := s.visitOf(r)
	if fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.cfg.Accounts.RevokeSession(r.Context(), v.actor, v.session.ID)
}

// signedIn looks whether the browser kept the session cookie before it sends
// anyone on: without this a browser that refuses it would go round in circles.
func (s *Site) signedIn(w http.ResponseWriter, r *http.Request) error {
	next := httpd.LocalTarget(r.URL.Query().Get("next"), "/")
	if sessionSecret(r) != "" {
		seeOther(w, r, next)
		return nil
	}
	return s.cannotSignIn(w, r)
}

// cannotSignIn says why signing in does not work at this address and what to set.
func (s *Site) cannotSignIn(w http.ResponseWriter, r *http.Request) error {
	p := view.Problem{
		Status:  http.StatusForbidden,
		Title:   "Your browser did not keep the sign-in",
		Text:    "Signing in needs a cookie. Perhaps cookies are switched off, or this browser keeps none for addresses without HTTPS; Safari does that even on localhost.",
		Do:      "Allow cookies for this address, or use Chrome, Edge or Firefox on the computer cofounder runs on. To open cofounder from elsewhere, put it behind HTTPS and set COFOUNDER_URL to that address:",
		Setting: httpsExample, Home: true,
	}
	if !s.keepsCookies {
		p.Title = "Signing in cannot work at this address"
		p.Text = "cofounder is set up to be reached at " + s.cfg.PublicURL.String() + ". Browsers keep a sign-in only over HTTPS, or on the computer itself."
		p.Do = "Put HTTPS in front of it and set COFOUNDER_URL to that address, or leave COFOUNDER_URL out and open cofounder at localhost on its own computer. Links from the terminal stay unused until then."
		p.Home = false
	}
	return s.page(w, r, p.Status, secret, view.ProblemPage(s.outside(r, p.Title), p))
}
