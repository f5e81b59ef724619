package web

import (
	"context"
	"net/http"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// buildPage shows the build that waits or goes on.
func (s *Site) buildPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	_, cursor, err := s.cfg.Projects.Lately(r.Context(), v.actor, p.ID, 1)
	if err != nil {
		return err
	}
	page, err := s.building(r.Context(), v.actor, p)
	if err != nil {
		return err
	}
	sh, err := s.projectShell(w, r, v, p, "Build")
	if err != nil {
		return err
	}
	sh.Here, sh.Live = view.PlaceBuild, view.BuildAddress(p)+"/live?after="+strconv.FormatInt(cursor, 10)
	return s.page(w, r, http.StatusOK, secret, view.BuildingPage(sh, page))
}

func (s *Site) building(ctx context.Context, actor account.Actor, p project.Project) (view.Building, error) {
	page := view.Building{Now: s.cfg.Clock.Now(), MayEdit: actor.Need(account.MayWrite) == nil}
	set, err := s.cfg.Options.Get(ctx, actor, p.ID)
	if err != nil || set.Order == nil {
		return page, err
	}
	page.Order = set.Order
	place, err := s.cfg.Options.Place(ctx, actor, p.ID, *set.Order)
	if fault.Is(err, fault.NotFound) { // it has begun, or is over
		return page, nil
	}
	page.Place = &place
	return page, err
}

// buildLive is the stream of the page.
func (s *Site) buildLive(w http.ResponseWriter, r *http.Request, at watch) error {
	return s.stream(w, r, at.visit, at.panelsOnly(about("project.", "build."), func(ctx context.Context) (templ.Component, error) {
		p, actor, err := at.read(ctx)
		if err != nil {
			return nil, err
		}
		page, err := s.building(ctx, actor, p)
		page.Live = true
		return view.BuildingPanel(view.Shell{Project: &p}, page), err
	}), at.allowed)
}

// endBuild ends the build that was looked at.
func (s *Site) endBuild(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	order, err := id.Parse[option.OrderID](f.Get("order"))
	if err != nil {
		return fault.New(fault.NotFound, "", "There is no such build.")
	}
	if err := s.cfg.Options.End(r.Context(), v.actor, p.ID, order); err != nil {
		return err
	}
	return done(w, r, view.BuildAddress(p), flash{what: buildEnded})
}
