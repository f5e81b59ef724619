package web

import (
	"context"
	"net/http"

	events "cofounder/internal/platform/event"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// homeLive is the stream of a project's first page.
func (s *Site) homeLive(w http.ResponseWriter, r *http.Request, at watch) error {
	h := homeBoard{at}
	return s.stream(w, r, at.visit, board{
		follow:  h.follow,
		panels:  h.panels,
		touches: about("project.", "interview.", "document.", "decision.", "options.", "build."),
		rows:    h.rows,
		log:     h.log,
	}, h.allowed)
}

// homeBoard draws the live parts of a project's first page.
type homeBoard struct{ watch }

func (h homeBoard) panels(ctx context.Context) (templ.Component, error) {
	p, actor, err := h.read(ctx)
	if err != nil {
		return nil, err
	}
	home, err := h.site.home(ctx, actor, p)
	if err != nil {
		return nil, err
	}
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
