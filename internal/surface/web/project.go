package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func (s *Site) toHome(w http.ResponseWriter, r *http.Request, _ visit, p project.Project) error {
	seeOther(w, r, view.ProjectAddress(p))
	return nil
}

// homePage is a project's first page.
func (s *Site) homePage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	return s.showHome(w, r, v, p, refusal{status: http.StatusOK})
}

func (s *Site) showHome(w http.ResponseWriter, r *http.Request, v visit, p project.Project, re refusal) error {
	lately, cursor, err := s.cfg.Projects.Lately(r.Context(), v.actor, p.ID, view.MostLately)
	if err != nil {
		return err
	}
	// What happens from here on is told by the stream; p may be older.
	if p, err = s.cfg.Projects.Get(r.Context(), v.actor, p.ID); err != nil {
		return err
	}
	sh, err := s.projectShell(w, r, v, p, "Home")
	if err != nil {
		return err
	}
	sh.Here, sh.Live = view.PlaceHome, view.ProjectAddress(p)+"live?after="+strconv.FormatInt(cursor, 10)
	home, err := s.home(r.Context(), v.actor, p)
	if err != nil {
		return err
	}
	home.Form, home.Lately = re.form, lately
	return s.page(w, r, re.status, secret, view.HomePage(sh, home))
}

// home is what the page shows an actor, besides what happened lately.
func (s *Site) home(ctx context.Context, actor account.Actor, p project.Project) (view.Home, error) {
	page, err := s.questions(ctx, actor, p)
	if err != nil {
		return view.Home{}, err
	}
	next := nextStep(p, page.Talk)
	set, err := s.cfg.Options.Get(ctx, actor, p.ID)
	if err == nil && set.Order != nil && !set.Order.State.Over() {
		next = view.Next{Text: view.OrderWords(*set.Order), Label: "Look", Address: view.BuildAddress(p), Step: 2}
	}
	return view.Home{
		Now: s.cfg.Clock.Now(), MayEdit: actor.Need(account.MayWrite) == nil, MayOwn: actor.Need(account.MayOwn) == nil, Next: next,
	}, err
}

// nextStep says what to do next; talk is nil where nothing was asked.
func nextStep(p project.Project, talk *interview.Interview) view.Next {
	asks := view.Next{Text: "I have not asked you anything yet. Three questions will do.", Label: "Ask me", Address: questionsAddress(p)}
	if talk == nil {
		return asks
	}
	page := view.Next{Address: briefAddress(p), Step: 1}
	switch talk.State {
	case interview.Asking:
		asks.Text, asks.Label = "A question waits for you.", "Answer it"
		return asks
	case interview.Reading:
		asks.Text, asks.Label = "I am reading what you wrote.", "Watch"
		return asks
	case interview.Failed:
		if talk.FailedAt == interview.Reading {
			asks.Text, asks.Label = talk.Reason, "Go on"
			return asks
		}
		page.Text, page.Label = talk.Reason, "Go on"
	case interview.Writing:
		page.Text, page.Label = "I am writing your page.", "Watch"
	case interview.Written:
		page.Text, page.Label, page.Step = "Your page is ready. Read it, then decide whether I build it.", "Read it", 2
	}
	return page
}

// projectShell is the shell with the project's side bar.
func (s *Site) projectShell(w http.ResponseWriter, r *http.Request, v visit, p project.Project, title string) (view.Shell, error) {
	sh, err := s.shell(w, r, v, title)
	if err != nil {
		return view.Shell{}, err
	}
	spent, err := s.cfg.Meter.Statement(r.Context(), v.actor, meter.Filter{Project: p.ID}, meter.ByModel)
	if err != nil {
		return view.Shell{}, err
	}
	j, err := s.cfg.Journeys.Get(r.Context(), v.actor, p.ID)
	if err != nil {
		return view.Shell{}, err
	}
	sh.Waiting = len(j.Open)
	sh.Decisions = sh.Waiting > 0 || j.Stage > journey.Brief
	sh.Project, sh.Spent = &p, view.Money(spent.Total.Cost)
	sh.Crumbs = []view.Crumb{{Label: p.Name, Address: view.ProjectAddress(p)}}
	return sh, nil
}

func (s *Site) renameProject(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	renamed, err := s.cfg.Projects.Rename(r.Context(), v.actor, p.ID, f.Get("name"))
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showHome(w, r, v, p, re)
	}
	return done(w, r, view.ProjectAddress(p), flash{what: projectRenamed, name: renamed.Name})
}

func (s *Site) parkProject(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := optionalForm(r)
	if err != nil {
		return err
	}
	if _, err := s.cfg.Projects.Park(r.Context(), v.actor, p.ID, f.Get("note")); err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showHome(w, r, v, p, re)
	}
	return done(w, r, listOr(r, p), flash{what: projectParked, name: p.Name, project: p.ID})
}

func (s *Site) unparkProject(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	if _, err := s.cfg.Projects.Unpark(r.Context(), v.actor, p.ID); err != nil {
		return err
	}
	return done(w, r, listOr(r, p), flash{what: projectUnparked, name: p.Name, project: p.ID, note: p.ParkNote})
}

func (s *Site) deletePage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	if err := v.actor.Need(account.MayOwn); err != nil {
		return err
	}
	if p.Status == project.Deleted {
		seeOther(w, r, view.ProjectAddress(p))
		return nil
	}
	return s.showDelete(w, r, v, p, refusal{status: http.StatusOK})
}

func (s *Site) showDelete(w http.ResponseWriter, r *http.Request, v visit, p project.Project, re refusal) error {
	sh, err := s.projectShell(w, r, v, p, "Delete")
	if err != nil {
		return err
	}
	return s.page(w, r, re.status, secret, view.DeletePage(sh, re.form))
}

// deleteProject asks for the name, so that nobody deletes the wrong one.
func (s *Site) deleteProject(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(f.Get("confirm")) != p.Name {
		wrong := fault.OnField("confirm", "That is not the project's name: type “"+p.Name+"”.")
		re, err := refused(w, wrong, f)
		if err != nil {
			return err
		}
		return s.showDelete(w, r, v, p, re)
	}
	if _, err := s.cfg.Projects.Delete(r.Context(), v.actor, p.ID); err != nil {
		return err
	}
	return done(w, r, "/", flash{what: projectDeleted, name: p.Name, project: p.ID})
}

func (s *Site) restoreProject(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	if _, err := s.cfg.Projects.Restore(r.Context(), v.actor, p.ID); err != nil {
		return err
	}
	return done(w, r, listOr(r, p), flash{what: projectRestored, name: p.Name})
}

// listOr goes back to the list when the button was pressed there, else to the
// project.
func listOr(r *http.Request, p project.Project) string {
	if from := cameFrom(r); from == "/" || strings.HasPrefix(from, "/?") {
		return from
	}
	return view.ProjectAddress(p)
}

// optionalForm is httpd.Form for buttons that send no fields at all.
func optionalForm(r *http.Request) (url.Values, error) {
	if r.ContentLength == 0 {
		return url.Values{}, nil
	}
	return httpd.Form(r)
}
