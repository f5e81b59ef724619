package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// inPath reads the identifier in the address; one of another kind is not found.
func inPath[T id.Kind](r *http.Request) (T, error) {
	v, err := id.Parse[T](r.PathValue("id"))
	if err != nil {
		return "", fault.New(fault.NotFound, "", "There is no such thing here, or it is not yours.")
	}
	return v, nil
}

func (s *Site) endSession(w http.ResponseWriter, r *http.Request, v visit) error {
	one, err := inPath[account.SessionID](r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.RevokeSession(r.Context(), v.actor, one); err != nil {
		return err
	}
	return done(w, r, "/account#sessions", flash{what: sessionEnded})
}

func (s *Site) endOtherSessions(w http.ResponseWriter, r *http.Request, v visit) error {
	if _, err := s.cfg.Accounts.RevokeOtherSessions(r.Context(), v.actor); err != nil {
		return err
	}
	return done(w, r, "/account#sessions", flash{what: othersEnded})
}

// makeKey answers with the page itself: the key is shown once and kept nowhere,
// not even over a redirect.
func (s *Site) makeKey(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(f.Get("days"))
	if err != nil {
		return s.again(w, r, v, view.SectionKeys, fault.OnField("days", "Choose when the key ends."))
	}
	key, t, err := s.cfg.Accounts.CreateToken(r.Context(), v.actor, account.TokenDraft{
		Name: f.Get("name"), Scope: account.Scope(f.Get("scope")), Days: days,
	})
	if err != nil {
		return s.again(w, r, v, view.SectionKeys, err)
	}
	return s.showAccount(w, r, v, http.StatusOK, view.Account{NewKey: key, NewKeyName: t.Name})
}

func (s *Site) endKey(w http.ResponseWriter, r *http.Request, v visit) error {
	one, err := inPath[account.TokenID](r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.RevokeToken(r.Context(), v.actor, one); err != nil {
		return err
	}
	return done(w, r, "/account#keys", flash{what: keyEnded})
}

func (s *Site) exportData(w http.ResponseWriter, r *http.Request, v visit) error {
	data, err := s.cfg.Accounts.ExportData(r.Context(), v.actor)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return fmt.Errorf("encode export: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="cofounder-account.json"`)
	h.Set("Cache-Control", string(secret))
	send(w, r, http.StatusOK, b, nil)
	return nil
}
