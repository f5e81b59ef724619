package web

import (
	"context"
	"net/http"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	events "cofounder/internal/platform/event"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
)

// watch is a project as a visitor may see it while a page of it is open.
type watch struct {
	site    *Site
	visit   visit
	project project.ID
}

// inWatch opens the stream of a page about a project. It acts in the project's team
// without turning to it: nobody pressed anything.
func (s *Site) inWatch(h func(w http.ResponseWriter, r *http.Request, at watch) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
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
		return h(w, inTeam(r, team), watch{site: s, visit: v, project: pid})
	}
}

func (h watch) follow(ctx context.Context, after int64) (*events.Subscription, error) {
	return h.site.cfg.Projects.Follow(ctx, h.visit.actor, h.project, after)
}

// read returns the project and the visitor's rights as they are now.
func (h watch) read(ctx context.Context) (project.Project, account.Actor, error) {
	actor, err := h.site.actorOf(ctx, h.visit)
	if err != nil {
		return project.Project{}, account.Actor{}, err
	}
	p, err := h.site.cfg.Projects.Get(ctx, actor, h.project)
	return p, actor, err
}

func (h watch) allowed(ctx context.Context) error {
	_, _, err := h.read(ctx)
	return err
}
