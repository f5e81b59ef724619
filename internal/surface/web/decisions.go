package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// decisionsPage lists what waits for the founder and what was decided.
func (s *Site) decisionsPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	return s.showDecisions(w, r, v, p, refusal{status: http.StatusOK})
}

func (s *Site) showDecisions(w http.ResponseWriter, r *http.Request, v visit, p project.Project, re refusal) error {
	ctx, q := r.Context(), r.URL.Query()
	page := view.Decisions{
		Now: s.cfg.Clock.Now(), MayEdit: mayWork(v.actor, p), Form: re.form, Asking: q.Get("ask") != "" || re.form.Failed(),
	}
	found, err := s.cfg.Journeys.Decisions(ctx, v.actor, p.ID, journey.Query{After: q.Get("after")})
	if err != nil {
		return err
	}
	page.Next = found.Next
	for _, d := range found.Decisions {
		if d.DecidedAt != nil {
			page.Taken = append(page.Taken, d)
		}
	}
	if q.Get("after") == "" {
		j, err := s.cfg.Journeys.Get(ctx, v.actor, p.ID)
		if err != nil {
			return err
		}
		page.Open = j.Open
	}
	if page.Names, err = s.names(ctx, v.actor); err != nil {
		return err
	}
	sh, err := s.projectShell(w, r, v, p, "Decisions")
	if err != nil {
		return err
	}
	sh.Here = view.PlaceDecisions
	return s.page(w, r, re.status, secret, view.DecisionsPage(sh, page))
}

// askDecision writes a question of the founder's down.
func (s *Site) askDecision(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	ask := journey.Ask{Key: rand.Text(), Kind: journey.Question, Question: f.Get("question")}
	for line := range strings.Lines(f.Get("options")) {
		if line = strings.TrimSpace(line); line != "" {
			ask.Options = append(ask.Options, journey.Alternative{Value: line, Title: line})
		}
	}
	d, err := s.cfg.Journeys.Open(r.Context(), v.actor, p.ID, ask)
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showDecisions(w, r, v, p, re)
	}
	return done(w, r, view.DecisionAddress(p, d.ID), flash{what: questionKept})
}

// onDecision opens the decision of the address.
func (s *Site) onDecision(h func(w http.ResponseWriter, r *http.Request, v visit, p project.Project, d journey.Decision) error) func(http.ResponseWriter, *http.Request, visit, project.Project) error {
	return func(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
		which, err := id.Parse[journey.DecisionID](r.PathValue("decision"))
		if err != nil {
			return fault.New(fault.NotFound, "", "There is no such decision.")
		}
		d, err := s.cfg.Journeys.Decision(r.Context(), v.actor, p.ID, which)
		if err != nil {
			return err
		}
		return h(w, r, v, p, d)
	}
}

// decisionPage shows one decision, to take or as it was taken.
func (s *Site) decisionPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project, d journey.Decision) error {
	return s.showDecision(w, r, v, p, d, refusal{status: http.StatusOK})
}

func (s *Site) showDecision(w http.ResponseWriter, r *http.Request, v visit, p project.Project, d journey.Decision, re refusal) error {
	page := view.DecisionPage{
		Decision: d, Now: s.cfg.Clock.Now(), MayEdit: mayWork(v.actor, p), Key: rand.Text(), Form: re.form, Chosen: re.form.Value("choice"),
	}
	var err error
	if page.Names, err = s.names(r.Context(), v.actor); err != nil {
		return err
	}
	if page.Stale, err = s.staleBrief(r.Context(), v.actor, p, d); err != nil {
		return err
	}
	sh, err := s.projectShell(w, r, v, p, "Decision")
	if err != nil {
		return err
	}
	sh.Here = view.PlaceDecisions
	sh.Crumbs = append(sh.Crumbs, view.Crumb{Label: "Decisions", Address: view.DecisionsAddress(p)})
	return s.page(w, r, re.status, secret, view.DecisionOnePage(sh, page))
}

// staleBrief reports whether the page about the idea, which a direction is decided on,
// does not say what the founder answered since.
func (s *Site) staleBrief(ctx context.Context, actor account.Actor, p project.Project, d journey.Decision) (bool, error) {
	if d.Kind != journey.Direction || d.DecidedAt != nil {
		return false, nil
	}
	i, err := s.cfg.Interviews.Get(ctx, actor, p.ID)
	if fault.Is(err, fault.NotFound) { // begun without one
		return false, nil
	}
	return len(i.Stale) > 0, err
}

// decide takes a decision. What is refused comes back with what was typed.
func (s *Site) decide(w http.ResponseWriter, r *http.Request, v visit, p project.Project, d journey.Decision) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	taken, err := s.cfg.Journeys.Decide(r.Context(), v.actor, p.ID, d.ID, journey.Verdict{
		Key: f.Get("key"), Choice: f.Get("choice"), Words: f.Get("words"), Because: f.Get("because"),
	})
	if taken := fault.Of(err); taken != nil && taken.Kind == fault.Conflict {
		if d, err = s.cfg.Journeys.Decision(r.Context(), v.actor, p.ID, d.ID); err != nil { // somebody was faster
			return err
		}
		form := view.Form{Problem: taken.Detail, Values: map[string]string{"choice": f.Get("choice"), "words": f.Get("words"), "because": f.Get("because")}}
		return s.showDecision(w, r, v, p, d, refusal{status: http.StatusConflict, form: form})
	}
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		re.form.Problem, re.form.Fields = atChoice(d, f.Get("choice"), re.form)
		return s.showDecision(w, r, v, p, d, re)
	}
	return done(w, r, view.DecisionAddress(p, taken.ID), flash{what: decisionTaken})
}

// atChoice says what is wrong at the field of the choice it belongs to, and above all of
// them what belongs to no field.
func atChoice(d journey.Decision, choice string, wrong view.Form) (string, []fault.Field) {
	at := slices.IndexFunc(d.Options, func(o journey.Alternative) bool { return o.Value == choice })
	for _, field := range wrong.Fields {
		switch {
		case field.Name == "words" && at >= 0:
			field.Name += "-" + strconv.Itoa(at)
			return "", []fault.Field{field}
		case field.Name == "choice" && len(d.Options) == 0:
			return "", []fault.Field{field}
		}
	}
	if wrong.Problem != "" || len(wrong.Fields) == 0 {
		return wrong.Problem, nil
	}
	return wrong.Fields[0].Detail, nil
}
