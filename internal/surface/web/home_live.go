package web

import (
	"context"
	"net/http"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	events "cofounder/internal/platform/event"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// homeLive is the stream of a project's first page. It acts in the project's team
// without turning to it: nobody pressed anything.
func (s *Site) homeLive(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visitOf(r)
	if err != nil {
		return err
	}
	pid, err := id.Parse[project.ID](r.PathValue("project"))
	if err != nil {
		return fault.New(fault.NotFound, "", "There is no such project, or it is not yours.")
	}
	team, err := s.cfg.Projects.Locate(r.Context(), v.actor.User, pid)
	if err != nil {
		return err
	}
	v.actor.Workspace = team
	if v.actor, err = s.actorOf(r.Context(), v); err != nil {
		return err
	}
	h := homeBoard{site: s, visit: v, project: pid}
	return s.stream(w, inTeam(r, team), v, board{
		follow:  h.follow,
		panels:  h.panels,
		touches: func(e events.Event) bool { return strings.HasPrefix(e.Kind, "project.") },
		rows:    h.rows,
		log:     h.log,
	}, h.allowed)
}

// homeBoard draws the live parts of a project's first page, as the visitor may see
// them at that moment.
type homeBoard struct {
	site    *Site
	visit   visit
	project project.ID
}

func (h homeBoard) follow(ctx context.Context, after int64) (*events.Subscription, error) {
	return h.site.cfg.Projects.Follow(ctx, h.visit.actor, h.project, after)
}

// read returns the project and the visitor's rights as they are now.
func (h homeBoard) read(ctx context.Context) (project.Project, account.Actor, error) {
	actor, err := h.site.actorOf(ctx, h.visit)
	if err != nil {
		return project.Project{}, account.Actor{}, err
	}
	p, err := h.site.cfg.Projects.Get(ctx, actor, h.project)
	return p, actor, err
}

func (h homeBoard) allowed(ctx context.Context) error {
	_, _, err := h.read(ctx)
	return err
}

func (h homeBoard) panels(ctx context.Context) (templ.Component, error) {
	p, actor, err := h.read(ctx)
	if err != nil {
		return nil, err
	}
	home := h.site.home(actor)
	home.Live = true
	return view.HomePanels(view.Shell{Project: &p}, home), nil
}

func (h homeBoard) rows(all []events.Event) (templ.Component, error) {
	steps, err := stepsOf(all)
	if err != nil || len(steps) == 0 {
		return templ.NopComponent, err
	}
	return view.LatelyRows(steps, h.site.cfg.Clock.Now()), nil
}

func (h homeBoard) log(all []events.Event) (templ.Component, error) {
	steps, err := stepsOf(all)
	return view.Lately(view.Home{Now: h.site.cfg.Clock.Now(), Lately: steps, Live: true}), err
}

// stepsOf reads the newest steps among some events.
func stepsOf(all []events.Event) ([]project.Step, error) {
	var steps []project.Step
	for _, e := range all {
		step, ours, err := project.StepOf(e)
		if err != nil {
			return nil, err
		}
		if ours {
			steps = append(steps, step)
		}
	}
	return steps[max(0, len(steps)-view.MostLately):], nil
}
