package web_test

import (
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/product/account"
)

// Who reloads or opens the address of a form comes to the page it belongs to.
func TestFormAddressesLeadToTheirPage(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	p := v.project(t, dogs)
	for from, to := range map[string]string{
		"/account/keys":                     "/account",
		"/account/return":                   "/account",
		"/account/keys/tok_x/end":           "/account",
		"/account/sessions/ses_x/end":       "/account",
		"/team/invitations":                 "/team",
		"/team/people/usr_x/remove":         "/team",
		"/projects":                         "/",
		"/theme":                            "/",
		"/sign-out":                         "/",
		"/sign-in/passkey/begin":            "/sign-in",
		"/p/" + string(p.ID) + "/rename":    "/p/" + string(p.ID),
		"/p/%2F%2Fevil.example/restore":     "/p/%2F%2Fevil.example",
		"/account/sessions/end-others?x=//": "/account",
	} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			v.another().get(t, from).leads(to)
		})
	}
	v.get(t, "/account").want(http.StatusOK) // still signed in
}

func TestWrongAddressSaysWhatHelps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.publicURL = "http://192.168.1.5:8080" })
	w.browser().get(t, "/", func(r *http.Request) { r.Host = "elsewhere.example" }).want(http.StatusMisdirectedRequest).
		says("Remove COFOUNDER_URL", "correct it to an HTTPS address").hushes("Open http://192.168.1.5:8080")
}

// A team of one is not called a team.
func TestAloneThereIsNoTeam(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	if menu := words(byID(v.get(t, "/").page, "menu")); !strings.Contains(menu, "Invite somebody") || strings.Contains(menu, "Team") {
		t.Errorf("the menu of one alone says %q", menu)
	}
	v.get(t, "/account").want(http.StatusOK).hushes("team")
	v.get(t, "/team").want(http.StatusOK).says("People you invite see your projects").hushes("Name of the team")
	v.joins(t, "Mel", account.InvitationDraft{Role: account.Member})
	v.get(t, "/team").want(http.StatusOK).says("Name of the team", "Yes, remove Mel")
	if menu := words(byID(v.get(t, "/").page, "menu")); strings.Contains(menu, "Invite somebody") || !strings.Contains(menu, "Team") {
		t.Errorf("the menu of two says %q", menu)
	}
}

func TestInvitationSaysThatItOpensOnlyHere(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.post(t, "/team/invitations", form("role", "member")).want(http.StatusOK).says("opens only on this computer", "COFOUNDER_URL")
	v.get(t, "/team").want(http.StatusOK).hushes("opens only on this computer")
}
