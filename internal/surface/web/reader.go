package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

const (
	// shownVersions of a document are listed beside it.
	shownVersions = 12
	// shownComments is the most comments a page shows: those made first.
	shownComments = 100
)

// readerPage shows a document; the address may open the form of a section.
func (s *Site) readerPage(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	q := r.URL.Query()
	return s.showReader(w, r, v, at, working{status: http.StatusOK, editing: q.Get("edit"), commenting: q.Get("comment")})
}

// working is which form of a document's page is open, and what was refused in it.
type working struct {
	status              int
	editing, commenting string       // sections
	editor              *view.Editor // with what was typed; nil: with what is there
	form                view.Form
}

func (s *Site) showReader(w http.ResponseWriter, r *http.Request, v visit, at desk, on working) error {
	ctx := r.Context()
	_, cursor, err := s.cfg.Projects.Lately(ctx, v.actor, at.project.ID, 1)
	if err != nil {
		return err
	}
	p, err := s.reader(ctx, v.actor, at)
	if err != nil {
		return err
	}
	if p.Doc.Current == nil {
		seeOther(w, r, view.DocumentsAddress(at.project))
		return nil
	}
	below, _ := number(r.URL.Query().Get("versions")) // anything else is the latest ones
	if err := s.readHistory(ctx, v.actor, at, &p, below); err != nil {
		return err
	}
	p.Editing, p.Commenting, p.Form = on.editing, on.commenting, on.form
	if on.editor != nil {
		p.Editor = *on.editor
	} else if p.Editing != "" {
		if p.Editor, err = editorOf(p.Shown, p.Editing); err != nil {
			return err
		}
	}
	sh, err := s.projectShell(w, r, v, at.project, p.Doc.Kind.Title())
	if err != nil {
		return err
	}
	sh.Here, sh.Crumbs = view.PlaceDocuments, append(sh.Crumbs, documentsCrumb(at.project))
	sh.Live = view.DocumentAddress(at.project, p.Doc.Kind, p.Shown.Number) + "/live?after=" + strconv.FormatInt(cursor, 10)
	return s.page(w, r, on.status, secret, view.ReaderPage(sh, p))
}

func documentsCrumb(p project.Project) view.Crumb {
	return view.Crumb{Label: "Brief & documents", Address: view.DocumentsAddress(p)}
}

// reader reads a document in the version that is named.
func (s *Site) reader(ctx context.Context, actor account.Actor, at desk) (view.Reader, error) {
	doc, err := s.cfg.Documents.Get(ctx, actor, at.project.ID, at.paper.kind)
	if err != nil {
		return view.Reader{}, err
	}
	p := view.Reader{
		Doc: doc, Now: s.cfg.Clock.Now(), MayEdit: mayWork(actor, at.project),
		MayComment: actor.Need(account.MayComment) == nil && at.project.Status != project.Deleted,
	}
	switch {
	case at.paper.version > 0:
		p.Shown, err = s.cfg.Documents.Version(ctx, actor, at.project.ID, doc.Kind, at.paper.version)
	case doc.Current != nil:
		p.Shown = *doc.Current
	}
	return p, err
}

// readHistory adds what stands beside a document: its versions, what the last one
// changed, comments and who made them.
func (s *Site) readHistory(ctx context.Context, actor account.Actor, at desk, p *view.Reader, below int) error {
	pid, kind := at.project.ID, p.Doc.Kind
	all, err := s.cfg.Documents.Versions(ctx, actor, pid, kind, below, shownVersions+1)
	if err != nil {
		return err
	}
	p.More = len(all) > shownVersions
	p.Versions = all[:min(len(all), shownVersions)]
	if p.Shown.Number > 1 {
		changes, err := s.cfg.Documents.Difference(ctx, actor, pid, kind, p.Shown.Number-1, p.Shown.Number)
		if err != nil {
			return err
		}
		for _, c := range changes {
			p.Changed = append(p.Changed, c.Key)
		}
	}
	if p.Comments, err = s.cfg.Documents.Comments(ctx, actor, pid, kind, "", shownComments); err != nil {
		return err
	}
	p.Names, err = s.names(ctx, actor)
	return err
}

// names is what to call the people of a team.
func (s *Site) names(ctx context.Context, actor account.Actor) (map[account.UserID]string, error) {
	members, err := s.cfg.Accounts.Members(ctx, actor)
	if err != nil {
		return nil, err
	}
	names := map[account.UserID]string{}
	for _, m := range members {
		names[m.User] = cmp.Or(m.Name, m.Email, "somebody")
	}
	names[actor.User] = "you"
	return names, nil
}

// editorOf is a section as it is typed. No such section is fault.NotFound.
func editorOf(v document.Version, section string) (view.Editor, error) {
	shape, ok := v.Kind.Shape(section)
	if !ok {
		return view.Editor{}, errNoPaper()
	}
	raw, err := document.Value(v.Content, section)
	if err != nil {
		return view.Editor{}, err
	}
	e := view.Editor{Shape: shape, Base: v.Number}
	if err := json.Unmarshal(raw, &e.Value); err != nil {
		return view.Editor{}, err
	}
	return e, nil
}

// readerLive is the stream of a document's page: what is read stays, what goes on with
// it is told above.
func (s *Site) readerLive(w http.ResponseWriter, r *http.Request, at watch) error {
	d, err := parsePaper(r.PathValue("document"))
	if err != nil || d.kind == "" {
		return errNoPaper()
	}
	return s.stream(w, r, at.visit, board{
		follow: at.follow,
		panels: func(ctx context.Context) (templ.Component, error) {
			p, actor, err := at.read(ctx)
			if err != nil {
				return nil, err
			}
			page, err := s.reader(ctx, actor, desk{p, d})
			page.Live = true
			return view.ReaderState(view.Shell{Project: &p}, page), err
		},
		touches: aboutDocuments, rows: noRows, log: noRows,
	}, at.allowed)
}

// differencePage compares two versions of a document.
func (s *Site) differencePage(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	ctx, pid, d := r.Context(), at.project.ID, at.paper
	p := view.Difference{Kind: d.kind, Now: s.cfg.Clock.Now(), MayEdit: mayWork(v.actor, at.project)}
	doc, err := s.cfg.Documents.Get(ctx, v.actor, pid, d.kind)
	if err != nil {
		return err
	}
	if doc.Current == nil {
		return errNoPaper()
	}
	p.Current = doc.Current.Number
	if p.From, err = s.cfg.Documents.Version(ctx, v.actor, pid, d.kind, d.from); err != nil {
		return err
	}
	if p.To, err = s.cfg.Documents.Version(ctx, v.actor, pid, d.kind, d.version); err != nil {
		return err
	}
	if p.Changes, err = s.cfg.Documents.Difference(ctx, v.actor, pid, d.kind, d.from, d.version); err != nil {
		return err
	}
	if p.Names, err = s.names(ctx, v.actor); err != nil {
		return err
	}
	sh, err := s.projectShell(w, r, v, at.project, "What changed")
	if err != nil {
		return err
	}
	sh.Here, sh.Crumbs = view.PlaceDocuments, append(sh.Crumbs, documentsCrumb(at.project), view.DocumentCrumb(at.project, d.kind))
	return s.page(w, r, http.StatusOK, secret, view.DifferencePage(sh, p))
}
