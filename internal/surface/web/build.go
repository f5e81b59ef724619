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
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// buildCard is what view.BuildCard shows of a project to a visitor.
func (s *Site) buildCard(ctx context.Context, actor account.Actor, p project.Project) (view.Build, error) {
	set, err := s.cfg.Options.Get(ctx, actor, p.ID)
	return view.Build{
		Project: p, Set: set, Key: rand.Text(), MayEdit: actor.Need(account.MayWrite) == nil, Now: s.cfg.Clock.Now(),
	}, err
}

// optionsPage shows the ways to build beside each other.
func (s *Site) optionsPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	return s.showOptions(w, r, v, p, "", refusal{status: http.StatusOK})
}

// showOptions shows them with what is wrong with one of the forms.
func (s *Site) showOptions(w http.ResponseWriter, r *http.Request, v visit, p project.Project, about string, re refusal) error {
	sh, err := s.projectShell(w, r, v, p, "Ways to build")
	if err != nil {
		return err
	}
	card, err := s.buildCard(r.Context(), v.actor, p)
	if err != nil {
		return err
	}
	card.About, card.Form = about, re.form
	if about == "build" && re.form.Value("key") != "" {
		card.Key = re.form.Value("key") // what failed for a reason of its own is sent again as the same
	}
	ways := view.Ways{Build: card, Rows: option.Compare(card.Set.Options), Shown: shownWay(r, card.Set)}
	return s.page(w, r, re.status, secret, view.OptionsPage(sh, ways))
}

// shownWay is the way the address asks for, else the one on the button.
func shownWay(r *http.Request, set option.Set) int {
	if n, err := strconv.Atoi(r.URL.Query().Get("way")); err == nil && n >= 1 && n <= len(set.Options) {
		return n - 1
	}
	best, _ := set.Best()
	return max(0, slices.IndexFunc(set.Options, func(o option.Option) bool { return o.ID == best.ID }))
}

// notDone shows the ways to build with why something was not done.
func (s *Site) notDone(w http.ResponseWriter, r *http.Request, v visit, p project.Project, about string, err error) error {
	re, err := refused(w, inWords(err), r.PostForm)
	if err != nil {
		return err
	}
	return s.showOptions(w, r, v, p, about, re)
}

// inWords leaves out of a conflict the fields that are for programs: what they lead to is
// on the page.
func inWords(err error) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Conflict {
		return err
	}
	return fault.New(fault.Conflict, f.Code, f.Detail).Because(err)
}

// backTo is the page of the project a form was sent from, or another of its pages.
func backTo(r *http.Request, p project.Project, or string) string {
	if from := cameFrom(r); strings.HasPrefix(from, view.ProjectAddress(p)) {
		return from
	}
	return view.ProjectAddress(p) + or
}

// buildThis orders the build.
func (s *Site) buildThis(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	ceiling, err := strconv.ParseInt(f.Get("ceiling"), 10, 64)
	if err != nil {
		return s.notDone(w, r, v, p, "build", fault.OnField("ceiling", "This page is an old one. Look at it again."))
	}
	_, err = s.cfg.Options.BuildThis(r.Context(), v.actor, p.ID, option.Build{
		Key: f.Get("key"), Option: wayOf(f.Get("option")), Ceiling: meter.NanoUSD(ceiling), Confirm: f.Get("confirm"),
		Choices: option.Choices{
			OnQuestion: option.OnQuestion(f.Get("on_question")), AtLimit: option.AtLimit(f.Get("at_limit")), Tell: option.Tell(f.Get("tell")),
		},
	})
	if err != nil {
		return s.notDone(w, r, v, p, "build", err)
	}
	return done(w, r, view.BuildAddress(p), flash{what: buildOrdered})
}

// wayOf is the id of an option; what is none is that of no option.
func wayOf(given string) option.ID {
	i, err := id.Parse[option.ID](given)
	if err != nil {
		return ""
	}
	return i
}

// askWays has ways to build worked out.
func (s *Site) askWays(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := optionalForm(r)
	if err != nil {
		return err
	}
	want := option.Wanted{Compare: f.Get("compare") != "", Feedback: f.Get("feedback")}
	if _, err := s.cfg.Options.Ask(r.Context(), v.actor, p.ID, want); err != nil {
		return s.notDone(w, r, v, p, "ask", err)
	}
	return done(w, r, backTo(r, p, "options"), flash{what: waysAsked})
}

// chooseWay puts a way to build on the button.
func (s *Site) chooseWay(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	way := wayOf(r.PathValue("option"))
	set, err := s.cfg.Options.Choose(r.Context(), v.actor, p.ID, way, f.Get("key"), f.Get("because"))
	if err != nil {
		return s.notDone(w, r, v, p, "build", err)
	}
	chosen, _ := set.Option(way)
	return done(w, r, view.ProjectAddress(p)+"options", flash{what: wayChosen, name: chosen.Name})
}

// decideDirection decides otherwise than to build.
func (s *Site) decideDirection(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	choice := f.Get("choice")
	if !slices.Contains([]string{journey.Narrow, journey.Pivot, journey.Park}, choice) {
		return fault.OnField("choice", "Choose to make it smaller, to change direction, or not now.")
	}
	_, err = s.cfg.Journeys.DecideNow(r.Context(), v.actor, p.ID, journey.Ask{Kind: journey.Direction},
		journey.Verdict{Key: f.Get("key") + "/" + choice, Choice: choice, Words: f.Get("words")})
	if err != nil {
		return s.notDone(w, r, v, p, choice, err)
	}
	if choice == journey.Park {
		return done(w, r, view.ProjectAddress(p), flash{what: projectParked, name: p.Name, project: p.ID})
	}
	return done(w, r, backTo(r, p, "options"), flash{what: directionDecided})
}
