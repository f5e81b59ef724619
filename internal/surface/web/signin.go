package web

import (
	"net/http"
	"net/url"

	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func (s *Site) signInPage(w http.ResponseWriter, r *http.Request) error {
	next := httpd.LocalTarget(r.URL.Query().Get("next"), "/")
	if _, err := s.visitOf(r); err == nil {
		seeOther(w, r, next)
		return nil
	}
	return s.showSignIn(w, r, next, refusal{status: http.StatusOK})
}

func (s *Site) showSignIn(w http.ResponseWriter, r *http.Request, next string, re refusal) error {
	if !s.keepsCookies {
		return s.cannotSignIn(w, r)
	}
	has, err := s.cfg.Accounts.HasUsers(r.Context())
	if err != nil {
		return err
	}
	sh := s.outside(r, "Sign in")
	sh.Flash = takeFlash(w, r)
	sh.Passkeys = has && s.cfg.Accounts.PasskeyTrouble() == nil
	return s.page(w, r, re.status, revisit, view.SignInPage(sh, view.SignIn{
		Form: re.form, Next: next, SignUpOpen: s.cfg.SignUpOpen, NoAccount: !has, Program: s.cfg.Program,
	}))
}

func (s *Site) signIn(w http.ResponseWriter, r *http.Request) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	next := httpd.LocalTarget(f.Get("next"), "/")
	key, _, err := s.cfg.Accounts.SignIn(r.Context(), f.Get("email"), f.Get("password"), device(r))
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showSignIn(w, r, next, re)
	}
	return s.enter(w, r, key, next)
}

// signOut ends the session and forgets it; signing out twice is no mistake. A form
// that names what to come back to leads there through the sign-in.
func (s *Site) signOut(w http.ResponseWriter, r *http.Request) error {
	f, err := formOf(r)
	if err != nil {
		return err
	}
	if err := s.leave(r); err != nil {
		return err
	}
	forgetEverything(w)
	to := "/sign-in"
	if next := httpd.LocalTarget(f.Get("next"), "/"); next != "/" {
		to += "?next=" + url.QueryEscape(next)
	}
	return done(w, r, to, flash{what: signedOut})
}
