package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// projectsPage lists the projects; who has none yet is asked for an idea.
func (s *Site) projectsPage(w http.ResponseWriter, r *http.Request, v visit) error {
	after := r.URL.Query().Get("after")
	p, err := s.projects(r.Context(), v, after)
	if err != nil {
		return err
	}
	if len(p.List)+len(p.Deleted) == 0 && after == "" && p.MayBegin {
		return s.startPage(w, r, v)
	}
	sh, err := s.shell(w, r, v, "Projects")
	if err != nil {
		return err
	}
	sh.Here = view.PlaceProjects
	if p.Spent, err = s.spentThisMonth(r.Context(), v); err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, secret, view.ProjectsPage(sh, p))
}

// projects reads what the list shows. Somebody in no team has none.
func (s *Site) projects(ctx context.Context, v visit, after string) (view.Projects, error) {
	p := view.Projects{
		Now: s.cfg.Clock.Now(), NoTeam: v.actor.Workspace == "", MayBegin: v.mayBegin(),
		MayEdit: v.may(account.MayWrite), MayOwn: v.may(account.MayOwn),
	}
	if p.NoTeam {
		return p, nil
	}
	list, err := s.cfg.Projects.List(ctx, v.actor, project.Query{After: after})
	if err != nil {
		return view.Projects{}, err
	}
	p.List, p.Next = list.Projects, list.Next
	if !p.MayOwn || after != "" {
		return p, nil
	}
	gone, err := s.cfg.Projects.List(ctx, v.actor, project.Query{Status: project.Deleted})
	p.Deleted = gone.Projects
	return p, err
}

// startPage asks for an idea.
func (s *Site) startPage(w http.ResponseWriter, r *http.Request, v visit) error {
	re := refusal{status: http.StatusOK}
	n, err := strconv.Atoi(r.URL.Query().Get("example"))
	examples := view.Examples()
	if err == nil && n >= 1 && n <= len(examples) {
		re.form.Values = map[string]string{"idea": examples[n-1].Text}
	} else {
		n = 0
	}
	return s.showStart(w, r, v, n, re)
}

func (s *Site) showStart(w http.ResponseWriter, r *http.Request, v visit, example int, re refusal) error {
	if !v.mayBegin() {
		return fault.New(fault.Forbidden, "", "In this team you cannot begin a project. Ask one of its owners.")
	}
	sh, err := s.shell(w, r, v, "A new idea")
	if err != nil {
		return err
	}
	sh.Here = view.PlaceNew
	p := view.Start{Form: re.form, Example: example, Examples: view.Examples()}
	if p.Spent, err = s.spentThisMonth(r.Context(), v); err != nil {
		return err
	}
	if s.cfg.Machine != nil {
		p.Machine = withAI(s.cfg.Machine(), sh.Person.AI)
	}
	return s.page(w, r, re.status, secret, view.StartPage(sh, p))
}

// spentThisMonth is what the team spent, rounded for reading; nothing in no team.
func (s *Site) spentThisMonth(ctx context.Context, v visit) (string, error) {
	if v.actor.Workspace == "" {
		return view.Money(0), nil
	}
	month, err := s.cfg.Meter.Statement(ctx, v.actor, meter.Filter{From: monthOf(s.cfg.Clock.Now())}, meter.ByModel)
	return view.Money(month.Total.Cost), err
}

// withAI puts what the team has connected in the place of what is true for everybody.
func withAI(facts []Fact, name string) []Fact {
	if name == "" {
		return facts
	}
	out := slices.Clone(facts)
	for i, f := range out {
		if f.What == ReachAI {
			out[i] = Fact{What: ReachAI, Can: true, Detail: name + " is connected. It is asked inside your limits only."}
		}
	}
	return out
}

// createProject makes a project of an idea and leads to the first question about it.
func (s *Site) createProject(w http.ResponseWriter, r *http.Request, v visit) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	begun, err := s.cfg.Interviews.Begin(r.Context(), v.actor, project.Draft{Idea: f.Get("idea")}) //nolint:unqueryvet // an interview, not a transaction
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showStart(w, r, v, 0, re)
	}
	return done(w, r, view.QuestionsAddress("/p/"+string(begun.Project)+"/"), flash{what: projectCreated})
}
