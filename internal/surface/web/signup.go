package web

import (
	"net/http"
	"net/url"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func (s *Site) signUpPage(w http.ResponseWriter, r *http.Request) error {
	return s.showSignUp(w, r, refusal{status: http.StatusOK})
}

func (s *Site) showSignUp(w http.ResponseWriter, r *http.Request, re refusal) error {
	if !s.cfg.SignUpOpen {
		return fault.New(fault.NotFound, "", "Accounts are made by invitation here. Ask someone who has one for a link.")
	}
	if !s.keepsCookies {
		return s.cannotSignIn(w, r)
	}
	return s.page(w, r, re.status, revisit, view.SignUpPage(s.outside(r, "Make an account"), re.form))
}

func (s *Site) signUp(w http.ResponseWriter, r *http.Request) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	key, _, err := s.cfg.Accounts.SignUp(r.Context(), credentials(f), device(r))
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showSignUp(w, r, re)
	}
	return s.enter(w, r, key, "/")
}

func credentials(f url.Values) account.Credentials {
	return account.Credentials{Name: f.Get("name"), Email: f.Get("email"), Password: f.Get("password")}
}
