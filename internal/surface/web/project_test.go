package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"

	"golang.org/x/net/html"
)

const dogs = "I walk dogs for eleven families and want one page where they book a slot."

func TestFromIdeaToProject(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)

	empty := v.post(t, "/projects", form("idea", "  \n ")).want(http.StatusUnprocessableEntity).says("What would you like to build?")
	if attr(byID(empty.page, "idea"), "aria-invalid") != "true" {
		t.Error("the empty box is not marked as wrong")
	}
	v.follow(t, v.post(t, "/projects", form("idea", strings.Repeat("A plan for dogs. ", 7_000)))).want(http.StatusOK) // pasted whole

	p := v.project(t, dogs)
	home := v.get(t, "/p/"+string(p.ID)+"/").want(http.StatusOK).says(dogs, "I am reading what you wrote", "Watch")
	if toast := all(home.page, func(n *htmlNode) bool { return attr(n, "data-forget") == "idea" }); len(toast) != 1 {
		t.Error("the browser is not told that the server has the text now")
	}
	v.get(t, "/p/"+string(p.ID)).leads("/p/" + string(p.ID) + "/")
	v.get(t, "/").want(http.StatusOK).says("Your projects", p.Name, "Put on hold", "Delete…").hushes("What would you like to build?")
	v.get(t, "/new").want(http.StatusOK).says("What would you like to build?")
}

func TestExamplesFillTheBox(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	examples := view.Examples()
	for query, want := range map[string]string{
		"?example=1": examples[0].Text, "?example=2": examples[1].Text, "?example=3": examples[2].Text,
		"?example=0": "", "?example=4": "", "?example=x": "", "": "",
	} {
		t.Run("new"+query, func(t *testing.T) {
			t.Parallel()
			got := words(byID(v.another().get(t, "/new"+query).want(http.StatusOK).page, "idea"))
			if got != strings.Join(strings.Fields(want), " ") {
				t.Errorf("got %q in the box, want %q", got, want)
			}
		})
	}
}

func TestRenameHoldDeleteRestore(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	p := v.project(t, dogs)
	at := "/p/" + string(p.ID) + "/"

	v.get(t, at)
	v.post(t, at+"rename", form("name", " ")).want(http.StatusUnprocessableEntity)
	v.follow(t, v.post(t, at+"rename", form("name", "Pawbook"))).want(http.StatusOK).says("Renamed: Pawbook")

	held := v.follow(t, v.post(t, at+"park", form("note", "until spring"))).want(http.StatusOK).says("On hold: Pawbook", "until spring", "Undo", "Take up again")
	undo := undoOf(held)
	if undo != at+"unpark" {
		t.Fatalf("Undo posts to %q, want %q", undo, at+"unpark")
	}
	again := v.follow(t, v.post(t, undo, nil)).want(http.StatusOK).says("Taken up again: Pawbook").hushes("This project is on hold")
	notes := all(again.page, func(n *html.Node) bool { return attr(n, "name") == "note" && attr(n, "type") == "hidden" })
	if undoOf(again) != at+"park" || len(notes) != 1 {
		t.Fatalf("Undo posts to %q with %d notes, want %q with one", undoOf(again), len(notes), at+"park")
	}
	v.follow(t, v.post(t, at+"park", form("note", attr(notes[0], "value")))).want(http.StatusOK).says("until spring")
	v.post(t, at+"unpark", nil).want(http.StatusSeeOther)

	v.get(t, "/")
	v.post(t, at+"park", nil).leads("/") // from the list, back to the list
	v.get(t, "/").says("On hold: Pawbook", "Take up again")

	v.get(t, at+"delete").want(http.StatusOK).says("Delete Pawbook?", "30 days")
	v.post(t, at+"delete", form("confirm", "pawbook")).want(http.StatusUnprocessableEntity).says("That is not the project's name: type “")
	gone := v.follow(t, v.post(t, at+"delete", form("confirm", " Pawbook "))).want(http.StatusOK).
		says("Deleted, kept for 30 days: Pawbook", "gone for good on 23 December 2026", "Restore")
	v.get(t, at).want(http.StatusOK).says("This project is deleted", "until 23 December 2026").hushes("Name, hold, delete")
	v.post(t, at+"park", nil).want(http.StatusConflict).says("deleted")
	v.get(t, at+"delete").leads(at)

	v.get(t, "/")
	v.follow(t, v.post(t, undoOf(gone), nil)).want(http.StatusOK).says("Restored: Pawbook", "On hold")
}

// undoOf is where the toast's Undo posts to, or nothing.
func undoOf(a answer) string {
	for _, n := range all(a.page, func(n *htmlNode) bool { return strings.Contains(attr(n, "class"), "toast") }) {
		if f := find(n, "form"); f != nil {
			return attr(f, "action")
		}
	}
	return ""
}

func TestOlderProjects(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	for i := range 51 {
		_, err := v.projects.Create(t.Context(), v.actor, project.Draft{Idea: dogs, Name: "Number " + string(rune('A'+i%26)) + string(rune('A'+i/26))})
		if err != nil {
			t.Fatal(err)
		}
		v.clock.Advance(time.Second)
	}
	first := v.get(t, "/").want(http.StatusOK).says("Older projects").hushes("Number AA")
	var older string
	for _, n := range all(first.page, tag("a")) {
		if strings.HasPrefix(attr(n, "href"), "/?after=") {
			older = attr(n, "href")
		}
	}
	v.get(t, older).want(http.StatusOK).says("Number AA").hushes("Number BA", "Older projects")
	v.get(t, "/?after=nonsense").want(http.StatusBadRequest)
}

// Somebody else's project and one that never was are the same: not found.
func TestProjectsOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.signUpOpen = true })
	v := w.owner(t)
	p := v.project(t, dogs)
	b := w.browser()
	b.follow(t, b.post(t, "/sign-up", form("name", "Eve", "email", "eve@example.com", "password", password))).want(http.StatusOK)

	for _, id := range []string{string(p.ID), "prj_01kav5zsk3q8t2m4x7n9p6r0wd", "prj_x", "tok_01kav5zsk3q8t2m4x7n9p6r0wd", "x", "..%2f..", "%00"} {
		want := http.StatusNotFound
		if id == "%00" {
			want = http.StatusBadRequest
		}
		for _, address := range []string{"/p/" + id, "/p/" + id + "/", "/p/" + id + "/delete"} {
			b.get(t, address).want(want)
		}
		for _, action := range []string{"rename", "park", "unpark", "delete", "restore"} {
			b.post(t, "/p/"+id+"/"+action, form("name", "Mine", "confirm", p.Name)).want(want)
		}
	}
	after, err := v.projects.Get(t.Context(), v.actor, p.ID)
	if err != nil || after.Name != p.Name || after.Status != project.Active {
		t.Errorf("the project changed: %+v, %v", after, err)
	}
}

// A link to a project opens it in whichever team it is.
func TestProjectOfAnotherTeamOpens(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	p := v.project(t, dogs)
	v.follow(t, v.post(t, "/team/new", form("name", "Choir"))).want(http.StatusOK).says("Team made; you are in it now: Choir")
	v.get(t, "/").want(http.StatusOK).says("What would you like to build?").hushes(p.Name)
	v.get(t, "/p/"+string(p.ID)+"/").want(http.StatusOK).says(dogs)
	v.get(t, "/").want(http.StatusOK).says(p.Name)
}

func TestWhatRolesAreOffered(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	p := v.project(t, dogs)
	at := "/p/" + string(p.ID) + "/"

	viewer := v.joins(t, "Vic", account.InvitationDraft{Role: account.Viewer})
	viewer.get(t, "/").want(http.StatusOK).says(p.Name).hushes("New project", "Put on hold", "Delete")
	viewer.get(t, at).want(http.StatusOK).says(dogs).hushes("Rename", "Put on hold", "Delete")
	viewer.post(t, at+"park", nil).want(http.StatusForbidden).says("You may not do that", "look at this")
	viewer.get(t, "/new").want(http.StatusForbidden)

	member := v.joins(t, "Mel", account.InvitationDraft{Role: account.Member})
	member.get(t, at).want(http.StatusOK).says("Rename", "Put on hold").hushes("Delete…")
	member.get(t, at+"delete").want(http.StatusForbidden).says("Only an owner")
	member.post(t, at+"delete", form("confirm", p.Name)).want(http.StatusForbidden)

	other := v.project(t, "A second idea that stays private")
	single := v.joins(t, "Sue", account.InvitationDraft{Role: account.Member, Project: p.ID})
	single.get(t, "/").want(http.StatusOK).says(p.Name).hushes(other.Name, "New project")
	single.get(t, "/p/"+string(other.ID)+"/").want(http.StatusNotFound)
	single.post(t, "/projects", form("idea", "another")).want(http.StatusForbidden)
}

func TestUnknownFlashSaysNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	for _, value := range []string{"what=you+won", "what=", "%zz", "what=project_parked&project=//evil.example"} {
		v.cookies["__Host-cofounder-flash"] = value
		a := v.get(t, "/").want(http.StatusOK).hushes("you won")
		if undo := undoOf(a); undo != "" {
			t.Errorf("%q: got an Undo to %q", value, undo)
		}
		if _, kept := v.cookies["__Host-cofounder-flash"]; kept {
			t.Errorf("%q: the flash was not taken", value)
		}
	}
	if _, ok := v.cookies[httpd.SessionCookie]; !ok {
		t.Error("the session went with the flash")
	}
}
