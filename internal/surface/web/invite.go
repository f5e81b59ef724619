package web

import (
	"net/http"
	"net/url"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func (s *Site) invitePage(w http.ResponseWriter, r *http.Request) error {
	return s.showInvite(w, r, refusal{status: http.StatusOK})
}

func (s *Site) showInvite(w http.ResponseWriter, r *http.Request, re refusal) error {
	code := r.PathValue("code")
	offer, err := s.cfg.Accounts.PeekInvitation(r.Context(), code)
	if fault.Is(err, fault.NotFound) {
		p := view.Problem{Status: http.StatusNotFound, Title: "I do not know this invitation", Text: "Ask for a new one.", Home: true}
		return s.page(w, r, p.Status, secret, view.ProblemPage(s.outside(r, p.Title), p))
	}
	if err != nil {
		return err
	}
	if !s.keepsCookies {
		return s.cannotSignIn(w, r)
	}
	sh := s.outside(r, "Invitation")
	v, err := s.visitOf(r)
	switch {
	case err == nil:
		if sh, err = s.shell(w, r, v, "Invitation"); err != nil {
			return err
		}
	case !fault.Is(err, fault.Unauthenticated):
		return err
	}
	return s.page(w, r, re.status, secret, view.InvitePage(sh, view.Invite{Code: url.PathEscape(code), Offer: offer, Form: re.form}))
}

// acceptInvite lets somebody signed in join, or makes an account that joins.
func (s *Site) acceptInvite(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitOf(r)
	if fault.Is(err, fault.Unauthenticated) {
		return s.joinAnew(w, r)
	}
	if err != nil {
		return err
	}
	if _, err := s.cfg.Accounts.AcceptInvitation(r.Context(), v.session, r.PathValue("code")); err != nil {
		return err
	}
	return done(w, r, "/", flash{what: teamJoined})
}

func (s *Site) joinAnew(w http.ResponseWriter, r *http.Request) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	key, _, err := s.cfg.Accounts.SignUpInvited(r.Context(), r.PathValue("code"), credentials(f), device(r))
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showInvite(w, r, re)
	}
	setFlash(w, flash{what: teamJoined})
	return s.enter(w, r, key, "/")
}
