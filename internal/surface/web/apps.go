package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// Showing is how an app is looked at: in a frame on one of our pages, or in a tab.
type Showing string

// The ways. Package preview knows them by the same names.
const (
	AppInFrame Showing = "frame"
	AppInTab   Showing = "tab"
)

// viewerPrefix begins what a pass says of somebody who is signed in, before their
// session and user. A pass is as good as the session it was made in.
const viewerPrefix = "session "

// AppViewer is what a link to an app says of somebody who is signed in.
func AppViewer(s account.Session) string {
	return viewerPrefix + string(s.ID) + " " + string(s.User.ID)
}

// AdmitToApp says whether a viewer may use the app of a label; preview asks it for each
// request. Everybody who may see a project may look at its apps.
func (s *Site) AdmitToApp(ctx context.Context, label, viewer string) error {
	if s.cfg.Apps == nil {
		return fault.New(fault.NotFound, "", "There is no app at this address.")
	}
	app, err := s.cfg.Apps.Find(ctx, label)
	if err != nil {
		return err
	}
	text, signedIn := strings.CutPrefix(viewer, viewerPrefix)
	session, user, whole := strings.Cut(text, " ")
	if !signedIn || !whole {
		return fault.New(fault.Unauthenticated, "", "Please sign in.")
	}
	pid, err := id.Parse[project.ID](app.Project)
	if err != nil {
		return err
	}
	// Membership first: whoever is in no team any more is told no more than a stranger.
	team, err := s.cfg.Projects.Locate(ctx, account.UserID(user), pid)
	if err != nil {
		return err
	}
	actor, err := s.cfg.Accounts.ActorIn(ctx, account.Session{ID: account.SessionID(session), User: account.User{ID: account.UserID(user)}}, team)
	if err != nil {
		return err
	}
	p, err := s.cfg.Projects.Get(ctx, actor, pid)
	if err != nil {
		return err
	}
	if p.Status == project.Deleted {
		return fault.New(fault.Gone, "project_deleted", "The project of this app was deleted. It can be restored from the list of projects.")
	}
	return nil
}

// openApp leads somebody who may see an app to it, in this tab, with a fresh link: the
// address that pages of preview name when a pass is over.
func (s *Site) openApp(w http.ResponseWriter, r *http.Request, v visit) error {
	label := r.PathValue("label")
	if err := s.AdmitToApp(r.Context(), label, AppViewer(v.session)); err != nil {
		return err
	}
	if s.cfg.AppLink == nil {
		return fault.Newf(fault.Misdirected, "no_previews",
			"Apps cannot be shown at %s: each needs an address on a domain of its own. Whoever runs this sets COFOUNDER_PREVIEW_HOST.", s.cfg.PublicURL)
	}
	to := s.cfg.AppLink(label, AppViewer(v.session), AppInTab, httpd.LocalTarget(r.URL.Query().Get("to"), "/"))
	h := w.Header()
	h.Set("Cache-Control", string(secret))
	h.Set("Location", to) // off this site, to an address we made
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// liveAppsPage is for administrators; nobody else learns that it is there.
func (s *Site) liveAppsPage(w http.ResponseWriter, r *http.Request, v visit) error {
	if !v.actor.Operator || s.cfg.Apps == nil {
		return fault.New(fault.NotFound, "", "There is nothing here, or it is not yours to see.")
	}
	live, err := s.cfg.Apps.Live(r.Context())
	if err != nil {
		return err
	}
	var cages []sandbox.Living
	if s.cfg.Cages != nil {
		ctx, cancel := context.WithTimeout(r.Context(), cageTime)
		defer cancel()
		cages = s.cfg.Cages(ctx)
	}
	sh, err := s.shell(w, r, v, "Running apps")
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, secret, view.LiveAppsPage(sh, view.LiveApps{
		Now: s.cfg.Clock.Now(), List: live, Limits: s.cfg.Apps.Limits(), Most: s.cfg.Apps.Most(), Cages: cages,
	}))
}

// cageTime is how long cages may take to say what they use.
const cageTime = 2 * time.Second
