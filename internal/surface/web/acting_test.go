package web_test

import (
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
)

// torn is somebody in two teams, who looks at the first.
type torn struct {
	visitor
	first, second account.WorkspaceID
	other         project.Project // in the second
}

func twoTeams(t *testing.T) torn {
	t.Helper()
	v := newWorld(t).owner(t)
	out := torn{first: v.actor.Workspace}
	v.post(t, "/team/new", form("name", "Choir")).want(http.StatusSeeOther)
	out.second = v.visitor(t).actor.Workspace
	out.other = v.projectIn(t, out.second, "A list of who sings on Sunday.")
	v.post(t, "/team/switch", form("team", string(out.first))).want(http.StatusSeeOther)
	out.visitor = v.visitor(t)
	return out
}

func (v visitor) projectIn(t *testing.T, team account.WorkspaceID, idea string) project.Project {
	t.Helper()
	p, err := v.projects.Create(t.Context(), v.in(t, team), project.Draft{Idea: idea})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// in is the visitor acting in a team.
func (v visitor) in(t *testing.T, team account.WorkspaceID) account.Actor {
	t.Helper()
	s, err := v.accounts.Authenticate(t.Context(), v.cookies[httpd.SessionCookie])
	if err != nil {
		t.Fatal(err)
	}
	actor, err := v.accounts.ActorIn(t.Context(), s, team)
	if err != nil {
		t.Fatal(err)
	}
	return actor
}

// drawnFor is the team the form that posts there names.
func (a answer) drawnFor(address string) string {
	a.t.Helper()
	for _, f := range all(a.page, tag("form")) {
		if attr(f, "action") != address {
			continue
		}
		for _, i := range all(f, tag("input")) {
			if attr(i, "name") == "team" {
				return attr(i, "value")
			}
		}
		return ""
	}
	a.t.Fatalf("%s: no form posts to %s", a.request, address)
	return ""
}

// A form opened in one team lands there, whatever the browser was led to in
// between.
func TestFormActsInTheTeamItWasDrawnFor(t *testing.T) {
	t.Parallel()
	v := twoTeams(t)
	page := v.get(t, "/new").want(http.StatusOK)
	v.get(t, "/p/"+string(v.other.ID)+"/").want(http.StatusOK)
	a := v.post(t, "/projects", form("idea", dogs, "team", page.drawnFor("/projects"))).want(http.StatusSeeOther)
	in, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Location"), "/p/"), "/")
	pid := project.ID(in)
	if _, err := v.projects.Get(t.Context(), v.in(t, v.first), pid); err != nil {
		t.Errorf("the project is not in the team its form was drawn for: %v", err)
	}
	if _, err := v.projects.Get(t.Context(), v.in(t, v.second), pid); err == nil {
		t.Error("the project is in the team looked at in between")
	}

	team := v.get(t, "/team").want(http.StatusOK).drawnFor("/team/invitations")
	v.get(t, "/p/"+string(v.other.ID)+"/").want(http.StatusOK)
	v.post(t, "/team/invitations", form("role", "viewer", "team", team)).want(http.StatusOK)
	if open, err := v.accounts.Invitations(t.Context(), v.in(t, v.second)); err != nil || len(open) != 0 {
		t.Errorf("%d invitations to the team looked at in between, %v", len(open), err)
	}
	if open, err := v.accounts.Invitations(t.Context(), v.in(t, v.first)); err != nil || len(open) != 1 {
		t.Errorf("%d invitations to the team the form was drawn for, %v; want 1", len(open), err)
	}
}

func TestFormWithoutTeamIsRefusedInSeveral(t *testing.T) {
	t.Parallel()
	v := twoTeams(t)
	v.post(t, "/projects", form("idea", dogs)).want(http.StatusConflict).says("several teams")
	v.post(t, "/team/invitations", form("role", "viewer")).want(http.StatusConflict)
	v.post(t, "/account/keys", form("name", "x", "scope", "write", "days", "30")).want(http.StatusConflict)
	v.post(t, "/account/profile", form("name", "Mara")).want(http.StatusSeeOther)
}

func TestFormOfATeamThatIsGoneKeepsTheText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(t)
	mel := owner.joins(t, "Mel", account.InvitationDraft{Role: account.Member})
	team := mel.get(t, "/new").want(http.StatusOK).drawnFor("/projects")
	if err := owner.accounts.RemoveMember(t.Context(), owner.actor, mel.actor.User); err != nil {
		t.Fatal(err)
	}
	mel.post(t, "/projects", form("idea", dogs, "team", team)).want(http.StatusConflict).says("not in that team any more", dogs)
	mel.post(t, "/projects", form("idea", dogs, "team", "nonsense")).want(http.StatusConflict).says(dogs)
}

// Reading changes the team for the next visit only when a person went there.
func TestWhichReadsAreRemembered(t *testing.T) {
	t.Parallel()
	set := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Del("Accept-Encoding") // an answer to HEAD has nothing to unpack
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	cases := map[string]struct {
		method     string
		change     func(*http.Request)
		remembered bool
	}{
		"a link of ours":             {http.MethodGet, set("Sec-Fetch-Site", "same-origin"), true},
		"typed":                      {http.MethodGet, set("Sec-Fetch-Site", "none"), true},
		"a link of another site":     {http.MethodGet, set("Sec-Fetch-Site", "cross-site"), false},
		"a link of a neighbour":      {http.MethodGet, set("Sec-Fetch-Site", "same-site"), false},
		"a program":                  {http.MethodGet, set(), false},
		"only the header":            {http.MethodHead, set("Sec-Fetch-Site", "same-origin"), false},
		"a browser that looks ahead": {http.MethodGet, set("Sec-Fetch-Site", "none", "Sec-Purpose", "prefetch;prerender"), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := twoTeams(t)
			v.send(t, c.method, "/p/"+string(v.other.ID)+"/", nil, c.change).want(http.StatusOK)
			want := v.first
			if c.remembered {
				want = v.second
			}
			if got := v.browser.visitor(t).actor.Workspace; got != want {
				t.Errorf("the next visit is in %s, want %s", got, want)
			}
		})
	}
}

// Every form that changes something says in which team.
func TestEveryFormNamesItsTeam(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	p := v.project(t, dogs)
	v.joins(t, "Mel", account.InvitationDraft{Role: account.Member})
	v.invitation(t, "role", "viewer")
	v.post(t, "/account/keys", form("name", "x", "scope", "write", "days", "30")).want(http.StatusOK)
	aboutNoTeam := map[string]bool{"/theme": true, "/sign-out": true, "/team/switch": true}
	seen := map[string]bool{}
	at := "/p/" + string(p.ID) + "/"
	for _, address := range []string{"/", "/new", "/team", "/account", "/account/reset", "/account/delete", at, at + "delete"} {
		page := v.get(t, address).want(http.StatusOK)
		for _, f := range all(page.page, tag("form")) {
			action := attr(f, "action")
			if attr(f, "method") != "post" || aboutNoTeam[action] {
				continue
			}
			seen[action] = true
			if got := page.drawnFor(action); got != string(v.actor.Workspace) {
				t.Errorf("%s: the form to %s names team %q, want %q", address, action, got, v.actor.Workspace)
			}
		}
	}
	if len(seen) < 14 {
		t.Errorf("only %d forms were looked at: %v", len(seen), seen)
	}
}
