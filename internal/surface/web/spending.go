package web

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func (s *Site) spendingPage(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.showSpending(w, r, v, refusal{status: http.StatusOK, form: takeTyped(w, r, v, "/spending/limits")})
}

func (s *Site) showSpending(w http.ResponseWriter, r *http.Request, v visit, re refusal) error {
	ctx := r.Context()
	sh, err := s.shell(w, r, v, "Spending")
	if err != nil {
		return err
	}
	sh.Here = view.PlaceSpending
	p := view.Spending{
		Form: re.form, MayOwn: v.may(account.MayOwn), Month: monthOf(s.cfg.Clock.Now()), Names: view.ProjectNames(sh.Person.Projects),
	}
	if p.Standing, err = s.cfg.Meter.Standing(ctx, v.actor); err != nil {
		return err
	}
	month := meter.Filter{From: p.Month}
	for by, lines := range map[meter.By]*[]meter.Line{meter.ByDay: &p.Days, meter.ByProject: &p.Projects, meter.ByModel: &p.Models, meter.ByRole: &p.Tasks} {
		st, err := s.cfg.Meter.Statement(ctx, v.actor, month, by)
		if err != nil {
			return err
		}
		*lines, p.Total = st.Lines, st.Total
	}
	slices.Reverse(p.Days) // the newest first
	if f, ok := meter.Forecast(p.Total.Cost, s.cfg.Clock.Now()); ok {
		p.Forecast = &f
	}
	return s.page(w, r, re.status, secret, view.SpendingPage(sh, p))
}

// projectSpendingPage shows what one project cost since it began.
func (s *Site) projectSpendingPage(w http.ResponseWriter, r *http.Request, v visit, pr project.Project) error {
	sh, err := s.projectShell(w, r, v, pr, "Spending")
	if err != nil {
		return err
	}
	sh.Here = view.PlaceCosts
	var p view.ProjectSpending
	for by, lines := range map[meter.By]*[]meter.Line{meter.ByDay: &p.Days, meter.ByRole: &p.Tasks} {
		st, err := s.cfg.Meter.Statement(r.Context(), v.actor, meter.Filter{Project: pr.ID}, by)
		if err != nil {
			return err
		}
		*lines, p.Total = st.Lines, st.Total
	}
	slices.Reverse(p.Days)
	if p.Purposes, err = s.purposes(r.Context(), v.actor, pr.ID); err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, secret, view.ProjectSpendingPage(sh, p))
}

// purposes sums up by kind of run what a project cost, the dearest first.
func (s *Site) purposes(ctx context.Context, actor account.Actor, p project.ID) ([]meter.Line, error) {
	st, err := s.cfg.Meter.Statement(ctx, actor, meter.Filter{Project: p}, meter.ByRun)
	if err != nil {
		return nil, err
	}
	kinds := map[string]string{}
	const page = 100
	for after := flow.RunID(""); ; {
		list, err := s.cfg.Runs.Runs(ctx, string(actor.Workspace), string(p), after, page)
		if err != nil {
			return nil, err
		}
		for _, run := range list {
			kinds[string(run.ID)], after = string(run.Kind), run.ID
		}
		if len(list) < page {
			break
		}
	}
	return st.GroupedBy(func(run string) string { return kinds[run] }), nil
}

func (s *Site) projectSpendingCSV(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	return s.sendCSV(w, r, v, meter.Filter{Project: p.ID})
}

// monthOf is the first day of the month of t in UTC.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

func (s *Site) setLimits(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if err := s.saveLimits(r, v, f); err != nil {
		re, err := mendable(w, r, v, err, f)
		if err != nil {
			return err
		}
		return s.showSpending(w, r, v, re)
	}
	return done(w, r, "/spending", flash{what: limitsSaved})
}

// spendingCSV is every paid question the visitor may see, exact to the last digit.
func (s *Site) spendingCSV(w http.ResponseWriter, r *http.Request, v visit) error {
	return s.sendCSV(w, r, v, meter.Filter{})
}

func (s *Site) sendCSV(w http.ResponseWriter, r *http.Request, v visit, f meter.Filter) error {
	var file bytes.Buffer
	if err := s.cfg.Meter.ExportCSV(r.Context(), v.actor, f, &file); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="cofounder-spending.csv"`)
	h.Set("Cache-Control", string(secret))
	send(w, r, http.StatusOK, file.Bytes(), nil)
	return nil
}

func errNothingHere() error {
	return fault.New(fault.NotFound, "", "There is nothing here, or it is not yours to see.")
}

// troublesPage is for administrators; nobody else learns that it is there.
func (s *Site) troublesPage(w http.ResponseWriter, r *http.Request, v visit) error {
	if !v.actor.Operator {
		return errNothingHere()
	}
	return s.showTroubles(w, r, v, refusal{status: http.StatusOK, form: takeTyped(w, r, v, "/admin/models")})
}

func (s *Site) showTroubles(w http.ResponseWriter, r *http.Request, v visit, re refusal) error {
	const week = 7 * 24 * time.Hour
	now := s.cfg.Clock.Now()
	list, err := s.cfg.Meter.FailuresOfAll(r.Context(), v.actor, now.Add(-week))
	if err != nil {
		return err
	}
	roles, err := s.cfg.Connections.OperatorRoles(r.Context(), v.actor)
	if err != nil {
		return err
	}
	books, err := s.cfg.Meter.BookChecks(r.Context(), v.actor, 1)
	if err != nil {
		return err
	}
	sh, err := s.shell(w, r, v, "Models")
	if err != nil {
		return err
	}
	return s.page(w, r, re.status, secret, view.TroublesPage(sh, view.Troubles{Form: re.form, Now: now, List: list, Books: books, Roles: roles}))
}
