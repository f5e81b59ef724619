package web

import (
	"net/http"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// accountPage is settings.
func (s *Site) accountPage(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.showAccount(w, r, v, http.StatusOK, view.Account{})
}

// showAccount fills in what the page shows around what a form left in p.
func (s *Site) showAccount(w http.ResponseWriter, r *http.Request, v visit, status int, p view.Account) error {
	ctx, a := r.Context(), s.cfg.Accounts
	sh, err := s.shell(w, r, v, "Settings")
	if err != nil {
		return err
	}
	sh.Here, p.Alone = view.PlaceAccount, sh.Person.Alone
	p.User, p.Session, p.Now = v.session.User, v.session.ID, s.cfg.Clock.Now()
	if p.Sessions, err = a.Sessions(ctx, v.actor); err != nil {
		return err
	}
	if p.NoTeam = v.actor.Workspace == ""; !p.NoTeam {
		if p.Keys, err = a.Tokens(ctx, v.actor); err != nil {
			return err
		}
	}
	if p.Passkeys, err = a.Passkeys(ctx, v.actor); err != nil {
		return err
	}
	sh.Passkeys = true
	if err := a.PasskeyTrouble(); err != nil {
		sh.Passkeys, p.NoPasskeys = false, fault.Of(err).Detail
	}
	stored := secret
	if p.NewKey != "" {
		stored = once
	}
	return s.page(w, r, status, stored, view.AccountPage(sh, p))
}

// again shows settings with what is wrong in one section's form.
func (s *Site) again(w http.ResponseWriter, r *http.Request, v visit, section string, err error) error {
	re, err := refused(w, err, r.PostForm)
	if err != nil {
		return err
	}
	return s.showAccount(w, r, v, re.status, view.Account{Section: section, Form: re.form})
}

func (s *Site) saveProfile(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	_, err = s.cfg.Accounts.SetProfile(r.Context(), v.actor, account.ProfileEdit{
		Name: f.Get("name"), Email: f.Get("email"), CurrentPassword: f.Get("current_password"),
	})
	if err != nil {
		return s.again(w, r, v, view.SectionProfile, err)
	}
	return done(w, r, "/account", flash{what: profileSaved})
}

// saveWayBack gives somebody who came by a link an address and a password.
func (s *Site) saveWayBack(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	before, err := s.cfg.Accounts.Sessions(r.Context(), v.actor)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.SecureAccount(r.Context(), v.actor, f.Get("email"), f.Get("password")); err != nil {
		return s.again(w, r, v, view.SectionReturn, err)
	}
	if len(before) > 1 {
		return done(w, r, "/account", flash{what: wayBackOnly})
	}
	return done(w, r, "/account", flash{what: wayBackSaved})
}

func (s *Site) savePassword(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.SetPassword(r.Context(), v.actor, f.Get("current_password"), f.Get("password")); err != nil {
		return s.again(w, r, v, view.SectionPassword, err)
	}
	return done(w, r, "/account", flash{what: passwordSaved})
}

// resetPage is where a reset link leads.
func (s *Site) resetPage(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.showReset(w, r, v, refusal{status: http.StatusOK})
}

func (s *Site) showReset(w http.ResponseWriter, r *http.Request, v visit, re refusal) error {
	sh, err := s.shell(w, r, v, "New password")
	if err != nil {
		return err
	}
	return s.page(w, r, re.status, secret, view.ResetPage(sh, v.session.User, re.form))
}

// reset sets a password without the old one, and the address where there is none.
func (s *Site) reset(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	ctx, a := r.Context(), s.cfg.Accounts
	if v.session.User.Email == "" {
		err = a.SecureAccount(ctx, v.actor, f.Get("email"), f.Get("password"))
	} else {
		err = a.SetPassword(ctx, v.actor, "", f.Get("password"))
	}
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showReset(w, r, v, re)
	}
	return done(w, r, "/", flash{what: passwordSaved})
}

func (s *Site) deleteAccountPage(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.showDeleteAccount(w, r, v, refusal{status: http.StatusOK})
}

func (s *Site) showDeleteAccount(w http.ResponseWriter, r *http.Request, v visit, re refusal) error {
	sh, err := s.shell(w, r, v, "Delete account")
	if err != nil {
		return err
	}
	sh.Crumbs = []view.Crumb{{Label: "Settings", Address: "/account"}}
	phrase := v.session.User.Email
	if phrase == "" {
		phrase = "delete"
	}
	return s.page(w, r, re.status, secret, view.DeleteAccountPage(sh, phrase, re.form))
}

func (s *Site) deleteAccount(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.DeleteAccount(r.Context(), v.actor, f.Get("confirm")); err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showDeleteAccount(w, r, v, re)
	}
	forgetEverything(w)
	return done(w, r, "/sign-in", flash{what: accountDeleted})
}
