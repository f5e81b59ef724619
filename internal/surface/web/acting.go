package web

import (
	"context"
	"net/http"
	"net/url"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// inTeam returns r for drawing pages of somebody signed in, whose forms name the
// team. An empty team is somebody's who is in none.
func inTeam(r *http.Request, team account.WorkspaceID) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), view.TeamKey{}, team))
}

// signedIn reports whether r went through inTeam.
func signedIn(r *http.Request) bool { return r.Context().Value(view.TeamKey{}) != nil }

// acting turns v to the team that the sent form names, and reports whether it
// names one: fault.NotFound then means that the visitor is not in it any more. A
// form that names none acts for somebody who has one team only, else it is
// fault.Conflict.
func (s *Site) acting(r *http.Request, v *visit) (named bool, err error) {
	f, err := formOf(r)
	if err != nil {
		return false, err
	}
	if given := f[view.TeamField]; len(given) > 0 {
		team, err := id.Parse[account.WorkspaceID](given[0])
		if err != nil {
			return true, fault.New(fault.NotFound, "", "There is no such team, or you are not in it.").Because(err)
		}
		return true, s.turnTo(r, v, team)
	}
	teams, err := s.cfg.Accounts.Workspaces(r.Context(), v.actor)
	if err != nil {
		return false, err
	}
	if len(teams) > 1 {
		return false, fault.New(fault.Conflict, "team_needed", "You are in several teams, and this page did not say which one it is about. Open it again.")
	}
	return false, nil
}

// formOf is httpd.Form for requests that may hold something else, or nothing.
func formOf(r *http.Request) (url.Values, error) {
	if r.ContentLength == 0 {
		return url.Values{}, nil
	}
	f, err := httpd.Form(r)
	if fault.Is(err, fault.Unsupported) {
		return url.Values{}, nil // the handler decides what it reads
	}
	return f, err
}

// turnTo makes v act in the team, and remembers the team for the next visit when
// somebody acts there or goes there.
func (s *Site) turnTo(r *http.Request, v *visit, team account.WorkspaceID) error {
	if team == v.actor.Workspace {
		return nil
	}
	actor, err := s.cfg.Accounts.ActorIn(r.Context(), v.session, team)
	if err != nil {
		return err
	}
	v.actor = actor
	if reads(r) && !pressed(r) {
		return nil
	}
	return s.cfg.Accounts.SwitchWorkspace(r.Context(), v.session, team)
}

// pressed reports whether somebody followed a link of ours or typed the address,
// as far as the browser says.
func pressed(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return !looksAhead(r) && (from == "same-origin" || from == "none")
}

// teamGone answers a form whose team the visitor has left since, with the words
// that were typed: the page cannot be gone back to.
func (s *Site) teamGone(w http.ResponseWriter, r *http.Request, v visit) error {
	p := view.Problem{
		Status: http.StatusConflict,
		Title:  "You are not in that team any more",
		Text:   "This form belonged to a team that you have left or been taken out of since. Nothing was changed.",
		Home:   true,
	}
	for _, name := range []string{"idea", "note", "name"} {
		if text := r.PostForm.Get(name); text != "" {
			p.Kept = append(p.Kept, text)
		}
	}
	if len(p.Kept) > 0 {
		p.Do = "What you typed is below, so that you can copy it."
	}
	sh, err := s.shell(w, r, v, p.Title)
	if err != nil {
		return err
	}
	return s.page(w, r, p.Status, secret, view.ProblemPage(sh, p))
}
