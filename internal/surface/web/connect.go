package web

import (
	"math/big"
	"net/http"
	"net/url"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func (s *Site) connectPage(w http.ResponseWriter, r *http.Request, v visit) error {
	chosen := meter.PresetID(r.URL.Query().Get("preset"))
	p := view.Connect{Form: takeTyped(w, r, v, "/connect"), Tasks: takeTyped(w, r, v, "/connect/roles")}
	if p.Form.Note != "" {
		p.Form.Note += " A key is never kept this way: enter it again."
		chosen = meter.PresetID(p.Form.Value("preset"))
	}
	return s.showConnect(w, r, v, http.StatusOK, chosen, p)
}

// showConnect shows the page with a kind of server chosen, or else the present one; p has
// the forms.
func (s *Site) showConnect(w http.ResponseWriter, r *http.Request, v visit, status int, chosen meter.PresetID, p view.Connect) error {
	ctx := r.Context()
	sh, err := s.shell(w, r, v, "Connect an AI")
	if err != nil {
		return err
	}
	sh.Here = view.PlaceConnect
	p.Now, p.MayOwn, p.Presets = s.cfg.Clock.Now(), v.may(account.MayOwn), meter.Presets()
	have, err := s.cfg.Connections.Get(ctx, v.actor)
	switch {
	case err == nil:
		p.Have = &have
	case !meter.NotConnected(err):
		return err
	}
	offered, err := s.cfg.Connections.Offered(ctx, v.actor.Workspace)
	if err != nil {
		return err
	}
	if offered {
		p.Presets = append([]meter.Preset{meter.OperatorPreset()}, p.Presets...)
	}
	standing, err := s.cfg.Meter.Standing(ctx, v.actor)
	if err != nil {
		return err
	}
	p.Set, p.Limits = standing.Set, view.LimitsOf(standing)
	if p.Have != nil {
		if p.Roles, err = s.cfg.Connections.Roles(ctx, v.actor); err != nil && fault.Of(err) == nil {
			return err // what a person can mend is said by the test
		}
	}
	if chosen == "" && p.Have != nil {
		chosen = p.Have.Preset
	}
	p.Chosen = p.Presets[0]
	for _, one := range p.Presets {
		if one.ID == chosen {
			p.Chosen = one
		}
	}
	return s.page(w, r, status, secret, view.ConnectPage(sh, p))
}

// connect saves the limits, then the connection. Nothing is sent.
func (s *Site) connect(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	key := strings.TrimSpace(f.Get("key"))
	f.Del("key") // it never goes back to the page
	preset := meter.PresetID(f.Get("preset"))
	again := func(err error) error {
		re, err := mendable(w, r, v, err, f)
		if err != nil {
			return err
		}
		return s.showConnect(w, r, v, re.status, preset, view.Connect{Form: re.form})
	}
	if err := s.saveLimits(r, v, f); err != nil {
		return again(err)
	}
	_, err = s.cfg.Connections.Save(r.Context(), s.cfg.Model, v.actor, meter.Draft{
		Preset: preset, BaseURL: f.Get("base_url"), Auth: llm.AuthStyle(f.Get("auth")), Key: config.NewSecret(key), RateCard: f.Get("rate_card"),
		Models: map[llm.Class]string{llm.Best: f.Get("best"), llm.Standard: f.Get("standard"), llm.Small: f.Get("small")},
	})
	if err != nil {
		return again(err)
	}
	return done(w, r, "/connect", flash{what: aiConnected})
}

func (s *Site) testConnection(w http.ResponseWriter, r *http.Request, v visit) error {
	_, err := s.cfg.Connections.Try(r.Context(), s.cfg.Model, v.actor)
	if f := fault.Of(err); f != nil && f.Kind == fault.PaymentRequired {
		return s.showConnect(w, r, v, http.StatusPaymentRequired, "", view.Connect{Form: view.Form{Problem: f.Detail}})
	}
	if err != nil {
		re, err := refused(w, err, url.Values{})
		if err != nil {
			return err
		}
		re.form.Values = nil
		return s.showConnect(w, r, v, re.status, "", view.Connect{Form: re.form})
	}
	return done(w, r, "/connect", flash{what: aiTested})
}

func (s *Site) disconnect(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := s.cfg.Connections.Disconnect(r.Context(), v.actor); err != nil {
		return err
	}
	return done(w, r, "/connect", flash{what: aiDisconnected})
}

// saveLimits sets what the fields of a form say; without a field for it the day's limit
// stays.
func (s *Site) saveLimits(r *http.Request, v visit, f url.Values) error {
	standing, err := s.cfg.Meter.Standing(r.Context(), v.actor)
	if err != nil {
		return err
	}
	l := view.LimitsOf(standing)
	for _, field := range []string{"month_limit", "run_limit", "day_limit"} {
		if f.Get(field) != "" && f.Get(field+"_none") != "" {
			return fault.OnField(field, "Choose one: an amount, or no limit. For no limit, empty the field.")
		}
	}
	l.Month, l.Run = limitIn(f, "month_limit"), limitIn(f, "run_limit")
	if f.Has("day_limit") {
		l.Day = limitIn(f, "day_limit")
	}
	return s.cfg.Meter.SetLimits(r.Context(), v.actor, l)
}

// limitIn reads a limit in dollars, or the choice of none. What is neither is zero,
// which meter refuses in words.
func limitIn(f url.Values, field string) meter.Ceiling {
	text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(f.Get(field)), "$"))
	if f.Get(field+"_none") != "" {
		return meter.NoLimit
	}
	const longest = 12
	if len(text) > longest || strings.ContainsFunc(text, func(c rune) bool { return c != '.' && (c < '0' || c > '9') }) {
		return 0
	}
	dollars, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0
	}
	nano := dollars.Mul(dollars, big.NewRat(int64(meter.Dollar), 1))
	if !nano.IsInt() || !nano.Num().IsInt64() {
		return 0
	}
	return meter.Ceiling(nano.Num().Int64())
}

// setRoles has the team ask other models for single tasks.
func (s *Site) setRoles(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if err := s.cfg.Connections.SetRoles(r.Context(), s.cfg.Model, v.actor, rolesIn(f)); err != nil {
		re, err := mendable(w, r, v, err, f)
		if err != nil {
			return err
		}
		return s.showConnect(w, r, v, re.status, "", view.Connect{Tasks: re.form})
	}
	return done(w, r, "/connect", flash{what: rolesSaved})
}

// setOperatorRoles does so wherever the key of this installation pays.
func (s *Site) setOperatorRoles(w http.ResponseWriter, r *http.Request, v visit) error {
	if !v.actor.Operator {
		return errNothingHere()
	}
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if err := s.cfg.Admin.ChooseModels(r.Context(), v.actor, rolesIn(f), f.Get("reason")); err != nil {
		re, err := mendable(w, r, v, err, f)
		if err != nil {
			return err
		}
		return s.showTroubles(w, r, v, re)
	}
	return done(w, r, "/admin/models", flash{what: rolesSaved})
}

func rolesIn(f url.Values) map[meter.Role]string {
	chosen := map[meter.Role]string{}
	for _, role := range meter.Roles() {
		chosen[role] = f.Get(string(role))
	}
	return chosen
}
