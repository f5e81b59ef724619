package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/product/account"
)

// invitation makes a link through the form and returns its path.
func (v visitor) invitation(t *testing.T, pairs ...string) string {
	t.Helper()
	a := v.post(t, "/team/invitations", form(pairs...)).want(http.StatusOK).says("shown only this once")
	link := words(byID(a.page, "invitation"))
	path, ok := strings.CutPrefix(link, origin)
	if !ok || a.header.Get("Cache-Control") != "no-store, no-transform" {
		t.Fatalf("got link %q with Cache-Control %q, want one of ours, never stored or compressed", link, a.header.Get("Cache-Control"))
	}
	return path
}

func TestInviteSomebodyNew(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.get(t, "/team").want(http.StatusOK).says("Work with others", "Invite someone")
	link := v.invitation(t, "role", "member")
	v.get(t, "/team").want(http.StatusOK).says("Member, all projects", "until 30 November 2026").hushes(link)

	b := v.world.browser()
	b.get(t, link).want(http.StatusOK).says("invites you", "as a member", "all projects")
	b.post(t, link, form("name", "Mel", "email", "not an address", "password", password)).want(http.StatusUnprocessableEntity)
	b.follow(t, b.post(t, link, form("name", "Mel", "email", "mel@example.com", "password", password))).want(http.StatusOK).says("Welcome to the team")
	v.get(t, "/team").want(http.StatusOK).says("Mel", "mel@example.com").hushes("Work with others")

	c := v.world.browser()
	c.get(t, link).want(http.StatusGone).says("This is over")
	c.get(t, "/invite/nonsense").want(http.StatusNotFound)
	c.post(t, link, form("name", "Eve", "email", "eve@example.com", "password", password)).want(http.StatusGone)
}

func TestInviteSomebodyWithAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.signUpOpen = true })
	v := w.owner(t)
	p := v.project(t, dogs)
	link := v.invitation(t, "role", "viewer", "project", string(p.ID))
	b := w.browser()
	b.follow(t, b.post(t, "/sign-up", form("name", "Jo", "email", "jo@example.com", "password", password))).want(http.StatusOK)
	b.get(t, link).want(http.StatusOK).says("Join as Jo", "one project of")
	b.follow(t, b.post(t, link, nil)).want(http.StatusOK).says("Welcome to the team", p.Name)
	page := b.get(t, "/team").want(http.StatusOK)
	if menu := byID(page.page, "menu"); len(all(menu, func(n *htmlNode) bool { return attr(n, "name") == "team" })) != 2 {
		t.Error("the menu does not offer both teams")
	}
	own := b.visitor(t)
	for _, n := range all(byID(page.page, "menu"), func(n *htmlNode) bool { return attr(n, "name") == "team" && attr(n, "aria-pressed") == "false" }) {
		b.follow(t, b.post(t, "/team/switch", form("team", attr(n, "value")))).want(http.StatusOK).hushes(p.Name)
	}
	if now := b.visitor(t); now.actor.Workspace == own.actor.Workspace {
		t.Error("the team was not switched")
	}
	b.post(t, "/team/switch", form("team", string(v.actor.User))).want(http.StatusNotFound)
	b.post(t, "/team/switch", form("team", "wsp_01kav5zsk3q8t2m4x7n9p6r0wd")).want(http.StatusNotFound)
}

func TestTakeBackAnInvitation(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	link := v.invitation(t, "role", "owner")
	open := postsTo(v.get(t, "/team"), "/team/invitations/", "/end")
	v.follow(t, v.post(t, open[0], nil)).want(http.StatusOK).says("Invitation taken back")
	v.world.browser().get(t, link).want(http.StatusGone)
	late := v.invitation(t, "role", "owner")
	v.clock.Advance(8 * 24 * time.Hour)
	v.world.browser().get(t, late).want(http.StatusGone)
	v.post(t, "/team/invitations", form("role", "king")).want(http.StatusUnprocessableEntity)
	v.post(t, "/team/invitations", form("role", "viewer", "project", "nonsense")).want(http.StatusNotFound)
}

func TestRolesAndLeaving(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	mel := v.joins(t, "Mel", account.InvitationDraft{Role: account.Member})
	role := "/team/people/" + string(mel.actor.User) + "/role"

	v.follow(t, v.post(t, role, form("role", "viewer"))).want(http.StatusOK).says("Role changed")
	v.post(t, role, form("role", "king")).want(http.StatusUnprocessableEntity)
	mel.get(t, "/team").want(http.StatusOK).says("Leave the team").hushes("Invite someone", "Name of the team", "Change")
	mel.post(t, role, form("role", "owner")).want(http.StatusForbidden)
	mel.post(t, "/team/rename", form("name", "Mine")).want(http.StatusForbidden)
	mel.post(t, "/team/invitations", form("role", "owner")).want(http.StatusForbidden)

	me := "/team/people/" + string(v.actor.User)
	v.get(t, "/team").want(http.StatusOK).hushes("Leave the team") // the only owner
	v.post(t, me+"/remove", nil).want(http.StatusConflict).says("owner")
	v.post(t, role, form("role", "owner")).leads("/team")
	v.get(t, "/team").want(http.StatusOK).says("Leave the team")

	v.follow(t, v.post(t, "/team/people/"+string(mel.actor.User)+"/remove", nil)).want(http.StatusOK).says("Removed from the team").hushes("Mel")
	// Somebody in no team can still look after their account.
	mel.get(t, "/").want(http.StatusOK).says("You are in no team")
	mel.get(t, "/account").want(http.StatusOK).says("Settings").hushes("Access keys")
	mel.get(t, "/team").want(http.StatusOK)
	mel.get(t, "/new").want(http.StatusForbidden)
	mel.post(t, "/projects", form("idea", dogs)).want(http.StatusForbidden)
}

func TestNameATeam(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.follow(t, v.post(t, "/team/rename", form("name", "Choir"))).want(http.StatusOK).says("Team renamed: Choir")
	v.post(t, "/team/rename", form("name", "")).want(http.StatusUnprocessableEntity)
	v.post(t, "/team/new", form("name", strings.Repeat("x", 500))).want(http.StatusUnprocessableEntity)
	v.follow(t, v.post(t, "/team/new", form("name", "Allotment"))).want(http.StatusOK).says("Team made; you are in it now: Allotment")
}
