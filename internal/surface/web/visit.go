package web

import (
	"net/http"
	"net/url"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// visit is a request by somebody who is signed in.
type visit struct {
	session account.Session
	actor   account.Actor
}

// device is what a session remembers of the browser.
func device(r *http.Request) account.Device {
	return account.Device{UserAgent: r.UserAgent(), Address: httpd.ClientAddr(r)}
}

// visitOf returns who sent r, in the team they last looked at;
// fault.Unauthenticated when nobody is signed in.
func (s *Site) visitOf(r *http.Request) (visit, error) {
	secret := sessionSecret(r)
	if secret == "" {
		return visit{}, fault.New(fault.Unauthenticated, "", "Please sign in.")
	}
	ses, err := s.cfg.Accounts.Authenticate(r.Context(), secret)
	if err != nil {
		return visit{}, err
	}
	actor, err := s.cfg.Accounts.ActorIn(r.Context(), ses, "")
	if err != nil {
		return visit{}, err
	}
	return visit{session: ses, actor: actor}, nil
}

// person lets only those in who are signed in; others are asked to, and come
// back to where they were going. It is for what concerns somebody in all their
// teams.
func (s *Site) person(h func(w http.ResponseWriter, r *http.Request, v visit) error) http.Handler {
	return httpd.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visitOf(r)
		if fault.Is(err, fault.Unauthenticated) {
			seeOther(w, r, signInFor(r))
			return nil
		}
		if err != nil {
			return err
		}
		return h(w, inTeam(r, v.actor.Workspace), v)
	})
}

// member is person for what concerns a team: pages show the one last looked at,
// forms act in the one they were drawn for. See acting.
func (s *Site) member(h func(w http.ResponseWriter, r *http.Request, v visit) error) http.Handler {
	return s.person(func(w http.ResponseWriter, r *http.Request, v visit) error {
		if reads(r) {
			return h(w, r, v)
		}
		named, err := s.acting(r, &v)
		switch {
		case named && fault.Is(err, fault.NotFound):
			return s.teamGone(w, r, v)
		case err != nil:
			return err
		}
		return h(w, inTeam(r, v.actor.Workspace), v)
	})
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// signInFor is the sign-in page that leads back to where r was going. A form
// cannot be sent again, so it leads to the page the form was on.
func signInFor(r *http.Request) string {
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		next = cameFrom(r)
	}
	if next == "/" {
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(next)
}

// inProject opens the project of the address, in whichever of the visitor's teams
// it is. That team is remembered for the next visit, unless nobody pressed
// anything of ours: another site's link, or a browser that looks ahead.
func (s *Site) inProject(h func(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error) http.Handler {
	return s.person(func(w http.ResponseWriter, r *http.Request, v visit) error {
		ctx := r.Context()
		pid, err := id.Parse[project.ID](r.PathValue("project"))
		if err != nil {
			return fault.New(fault.NotFound, "", "There is no such project, or it is not yours.")
		}
		team, err := s.cfg.Projects.Locate(ctx, v.actor.User, pid)
		if err != nil {
			return err
		}
		if err := s.turnTo(r, &v, team); err != nil {
			return err
		}
		r = inTeam(r, team)
		p, err := s.cfg.Projects.Get(ctx, v.actor, pid)
		if err != nil {
			return err
		}
		return h(w, r, v, p)
	})
}

// shell fills in what every page of somebody signed in shows, and takes the
// flash.
func (s *Site) shell(w http.ResponseWriter, r *http.Request, v visit, title string) (view.Shell, error) {
	ctx := r.Context()
	teams, err := s.cfg.Accounts.Workspaces(ctx, v.actor)
	if err != nil {
		return view.Shell{}, err
	}
	var list project.Page
	if v.actor.Workspace != "" {
		if list, err = s.cfg.Projects.List(ctx, v.actor, project.Query{}); err != nil {
			return view.Shell{}, err
		}
	}
	sh := s.outside(r, title)
	sh.Flash = takeFlash(w, r)
	u := v.session.User
	sh.Person = &view.Person{
		ID: u.ID, Name: u.Name, Email: u.Email, Role: v.actor.Role, Operator: v.actor.Operator,
		Teams: teams, Projects: list.Projects,
	}
	for _, t := range teams {
		if t.ID == v.actor.Workspace {
			sh.Person.Team = t
		}
	}
	if v.actor.Workspace == "" {
		return sh, nil
	}
	if len(teams) == 1 {
		members, err := s.cfg.Accounts.Members(ctx, v.actor)
		if err != nil {
			return view.Shell{}, err
		}
		sh.Person.Alone = len(members) == 1
	}
	conn, err := s.cfg.Connections.Get(ctx, v.actor)
	if err != nil && !meter.NotConnected(err) {
		return view.Shell{}, err
	}
	sh.Person.AI, sh.Person.Demo = conn.Name, err != nil
	return sh, nil
}

// may reports whether the visitor has the right, for what a page offers; the
// product checks again when it is used.
func (v visit) may(r account.Right) bool { return v.actor.Need(r) == nil }

// mayBegin reports whether the visitor can make projects in the present team.
func (v visit) mayBegin() bool { return v.may(account.MayWrite) && !v.actor.Restricted }
