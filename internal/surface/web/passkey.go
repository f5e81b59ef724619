package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"
)

// ceremony is what a browser and we say to each other about a passkey.
type ceremony struct {
	Ceremony string          `json:"ceremony"`
	Options  json.RawMessage `json:"options,omitempty"`
	Answer   json.RawMessage `json:"answer,omitempty"`
	Name     string          `json:"name,omitempty"`
	Next     string          `json:"next,omitempty"`
}

func (s *Site) beginPasskey(w http.ResponseWriter, r *http.Request, v visit) error {
	options, key, err := s.cfg.Accounts.BeginPasskey(r.Context(), v.actor)
	if err != nil {
		return err
	}
	return sendJSON(w, r, ceremony{Ceremony: key, Options: options})
}

func (s *Site) finishPasskey(w http.ResponseWriter, r *http.Request, v visit) error {
	var c ceremony
	if err := readJSON(r, &c); err != nil {
		return err
	}
	if _, err := s.cfg.Accounts.FinishPasskey(r.Context(), v.actor, c.Ceremony, c.Name, c.Answer); err != nil {
		return err
	}
	setFlash(w, flash{what: passkeyMade})
	return sendJSON(w, r, ceremony{})
}

func (s *Site) removePasskey(w http.ResponseWriter, r *http.Request, v visit) error {
	one, err := inPath[account.PasskeyID](r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.RemovePasskey(r.Context(), v.actor, one); err != nil {
		return err
	}
	return done(w, r, "/account#passkeys", flash{what: passkeyRemoved})
}

func (s *Site) beginPasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	options, key, err := s.cfg.Accounts.BeginPasskeySignIn(r.Context())
	if err != nil {
		return err
	}
	return sendJSON(w, r, ceremony{Ceremony: key, Options: options})
}

func (s *Site) finishPasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	var c ceremony
	if err := readJSON(r, &c); err != nil {
		return err
	}
	key, _, err := s.cfg.Accounts.FinishPasskeySignIn(r.Context(), c.Ceremony, c.Answer, device(r))
	if err != nil {
		return err
	}
	if err := s.leave(r); err != nil {
		return err
	}
	setSession(w, key)
	return sendJSON(w, r, ceremony{Next: httpd.LocalTarget(c.Next, "/")})
}

func sendJSON(w http.ResponseWriter, r *http.Request, c ceremony) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode ceremony: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", string(secret))
	send(w, r, http.StatusOK, b, nil)
	return nil
}

func readJSON(r *http.Request, c *ceremony) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(c)
	if large := new(http.MaxBytesError); err == nil || errors.As(err, &large) {
		return err
	}
	// The decoder's own words quote what was sent, and the log is not for that.
	return fault.New(fault.Malformed, "", "This address reads JSON that our own pages send.")
}
