package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	events "cofounder/internal/platform/event"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// documentsPage lists what is written about a project.
func (s *Site) documentsPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	_, cursor, err := s.cfg.Projects.Lately(r.Context(), v.actor, p.ID, 1)
	if err != nil {
		return err
	}
	// What happens from here on is told by the stream.
	list, err := s.documentList(r.Context(), v.actor, p)
	if err != nil {
		return err
	}
	sh, err := s.projectShell(w, r, v, p, "Brief & documents")
	if err != nil {
		return err
	}
	sh.Here, sh.Live = view.PlaceDocuments, view.DocumentsAddress(p)+"/live?after="+strconv.FormatInt(cursor, 10)
	return s.page(w, r, http.StatusOK, secret, view.DocumentsPage(sh, list))
}

func (s *Site) documentList(ctx context.Context, actor account.Actor, p project.Project) (view.Documents, error) {
	all, err := s.cfg.Documents.List(ctx, actor, p.ID)
	if err != nil {
		return view.Documents{}, err
	}
	list := view.Documents{List: all, Now: s.cfg.Clock.Now(), MayEdit: mayWork(actor, p)}
	list.Limit, err = s.writingLimit(ctx, actor)
	return list, err
}

// mayWork reports whether an actor can change what belongs to a project as it is.
func mayWork(actor account.Actor, p project.Project) bool {
	return actor.Need(account.MayWrite) == nil && p.Status == project.Active
}

// writingLimit says what one writing may cost at most; empty where no AI is connected.
func (s *Site) writingLimit(ctx context.Context, actor account.Actor) (string, error) {
	if _, err := s.cfg.Connections.Get(ctx, actor); err != nil {
		if meter.NotConnected(err) {
			err = nil
		}
		return "", err
	}
	standing, err := s.cfg.Meter.Standing(ctx, actor)
	if err != nil || standing.Run == nil {
		return "", err
	}
	return "Writing is paid by what is written. One press never costs more than " + view.Money(*standing.Run) + ", your limit for a build.", nil
}

// writeDocuments asks for documents to be written.
func (s *Site) writeDocuments(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	var kinds []document.Kind
	for _, name := range f["kind"] {
		kinds = append(kinds, document.Kind(name))
	}
	if err := s.cfg.Documents.Ask(r.Context(), v.actor, p.ID, kinds); err != nil {
		return err
	}
	return done(w, r, view.DocumentsAddress(p), flash{what: documentsAsked})
}

// documentsLive is the stream of the list.
func (s *Site) documentsLive(w http.ResponseWriter, r *http.Request, at watch) error {
	return s.stream(w, r, at.visit, board{
		follow: at.follow,
		panels: func(ctx context.Context) (templ.Component, error) {
			p, actor, err := at.read(ctx)
			if err != nil {
				return nil, err
			}
			list, err := s.documentList(ctx, actor, p)
			list.Live = true
			return view.DocumentsPanel(view.Shell{Project: &p}, list), err
		},
		touches: aboutDocuments, rows: noRows, log: noRows,
	}, at.allowed)
}

func aboutDocuments(e events.Event) bool { return strings.HasPrefix(e.Kind, "document.") }

// noRows is for pages without a log.
func noRows([]events.Event) (templ.Component, error) { return templ.NopComponent, nil }
