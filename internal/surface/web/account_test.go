package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"

	"golang.org/x/net/html"
)

type htmlNode = html.Node

func TestMakeSureICanGetBackIn(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.get(t, "/account").want(http.StatusOK).says("Make sure you can get back in").hushes("Current password")

	weak := v.post(t, "/account/return", form("email", "mara@example.com", "password", "password")).want(http.StatusUnprocessableEntity)
	if f := byID(weak.page, "return-password"); attr(f, "aria-invalid") != "true" || attr(f, "value") != "" {
		t.Error("the weak password is not marked, or it came back")
	}
	if attr(byID(weak.page, "return-email"), "value") != "mara@example.com" {
		t.Error("the address was not kept")
	}
	if u, err := v.accounts.Profile(t.Context(), v.actor); err != nil || u.Email != "" {
		t.Errorf("half was written: %+v, %v", u, err)
	}

	v.follow(t, v.post(t, "/account/return", form("email", "mara@example.com", "password", password))).
		want(http.StatusOK).says("You can sign in with your e-mail address and password now", "Current password").hushes("Make sure you can get back in")
}

func TestProfileAndPassword(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	v.follow(t, v.post(t, "/account/profile", form("name", "Mara <b>Lind</b>", "email", "mara@example.com"))).want(http.StatusOK).says("Profile saved")
	if a := v.get(t, "/account"); strings.Contains(a.body, "<b>Lind") {
		t.Error("a name is not escaped")
	}
	v.post(t, "/account/profile", form("name", "Mara", "email", "other@example.com")).want(http.StatusUnprocessableEntity)
	v.post(t, "/account/profile", form("name", "Mara", "email", "other@example.com", "current_password", password)).leads("/account")

	other := v.world.browser()
	other.follow(t, other.post(t, "/sign-in", form("email", "other@example.com", "password", password))).want(http.StatusOK)
	v.post(t, "/account/password", form("current_password", "wrong", "password", "another set of long words")).want(http.StatusUnprocessableEntity)
	v.follow(t, v.post(t, "/account/password", form("current_password", password, "password", "another set of long words"))).want(http.StatusOK).says("Password saved")
	other.get(t, "/account").leads("/sign-in?next=%2Faccount")
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	second, third := v.world.browser(), v.world.browser()
	for _, b := range []*browser{second, third} {
		b.follow(t, b.post(t, "/sign-in", form("email", "mara@example.com", "password", password))).want(http.StatusOK)
	}
	page := v.get(t, "/account").want(http.StatusOK).says("Firefox on Linux", "This one", "Sign out everywhere else")
	ends := postsTo(page, "/account/sessions/", "/end")
	if len(ends) != 2 {
		t.Fatalf("got %d sessions to sign out, want 2", len(ends))
	}
	v.follow(t, v.post(t, ends[0], nil)).want(http.StatusOK).says("Signed out there")
	v.post(t, ends[0], nil).want(http.StatusNotFound) // it is gone
	v.follow(t, v.post(t, "/account/sessions/end-others", nil)).want(http.StatusOK).says("Signed out everywhere else")
	for _, b := range []*browser{second, third} {
		b.get(t, "/").leads("/sign-in")
	}
	v.get(t, "/account").want(http.StatusOK)
}

// postsTo lists the forms of a page by where they post.
func postsTo(a answer, prefix, suffix string) []string {
	var out []string
	for _, f := range all(a.page, tag("form")) {
		if to := attr(f, "action"); strings.HasPrefix(to, prefix) && strings.HasSuffix(to, suffix) {
			out = append(out, to)
		}
	}
	return out
}

func TestAccessKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	for name, f := range map[string][]string{
		"no name":  {"name", "", "scope", "read", "days", "30"},
		"no days":  {"name", "x", "scope", "read"},
		"no scope": {"name", "x", "days", "30"},
		"too long": {"name", "x", "scope", "read", "days", "9999"},
	} {
		a := v.post(t, "/account/keys", form(f...))
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got status %d, want 422", name, a.status)
		}
	}
	made := v.post(t, "/account/keys", form("name", "Nightly copy", "scope", "write", "days", "30")).want(http.StatusOK).says("Nightly copy", "only this once")
	key := words(byID(made.page, "new-key"))
	if !strings.HasPrefix(key, "cof_") || made.header.Get("Cache-Control") != "no-store, no-transform" {
		t.Errorf("got key %q with Cache-Control %q, want cof_… and never stored or compressed", key, made.header.Get("Cache-Control"))
	}
	actor, err := v.accounts.AuthenticateToken(t.Context(), key)
	if err != nil || actor.User != v.actor.User || actor.Scope != account.ScopeWrite {
		t.Errorf("the key does not work: %+v, %v", actor, err)
	}
	later := v.get(t, "/account").want(http.StatusOK).says("Nightly copy", "Read and change", "until 23 December 2026")
	if strings.Contains(later.body, key) {
		t.Error("the key is shown a second time")
	}
	v.follow(t, v.post(t, postsTo(later, "/account/keys/", "/end")[0], nil)).want(http.StatusOK).says("Access key ended").hushes("Nightly copy")
	if _, err := v.accounts.AuthenticateToken(t.Context(), key); err == nil {
		t.Error("an ended key still works")
	}
}

func TestThingsOfOthersCannotBeEnded(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	mel := v.joins(t, "Mel", account.InvitationDraft{Role: account.Member})
	_, key, err := v.accounts.CreateToken(t.Context(), v.actor, account.TokenDraft{Name: "Mine", Scope: account.ScopeRead, Days: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"/account/keys/" + string(key.ID) + "/end",
		"/account/sessions/" + string(v.actor.Session) + "/end",
		"/account/keys/" + string(v.actor.Session) + "/end", // an id of another kind
		"/account/sessions/nonsense/end",
		"/account/passkeys/pky_01kav5zsk3q8t2m4x7n9p6r0wd/remove",
	} {
		mel.post(t, address, nil).want(http.StatusNotFound)
	}
	v.get(t, "/account").want(http.StatusOK).says("Mine")
}

func TestExportAndDeleteAccount(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	a := v.get(t, "/account/export").want(http.StatusOK)
	var data map[string]any
	if err := json.Unmarshal([]byte(a.body), &data); err != nil || data["user"] == nil {
		t.Errorf("the export is not what it should be: %v\n%s", err, a.body)
	}
	if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") {
		t.Errorf("the export is no download: %q", got)
	}
	if strings.Contains(a.body, v.cookies[httpd.SessionCookie]) || strings.Contains(a.body, "$argon2") {
		t.Error("the export holds a secret")
	}
	v.get(t, "/account/delete").want(http.StatusOK).says("mara@example.com", "cannot be taken back")
	v.post(t, "/account/delete", form("confirm", "mara")).want(http.StatusUnprocessableEntity)
	v.follow(t, v.post(t, "/account/delete", form("confirm", "mara@example.com"))).want(http.StatusOK).says("Your account is deleted")
	if _, ok := v.cookies[httpd.SessionCookie]; ok {
		t.Error("the cookie stayed")
	}
}

func TestPasskeyCeremonies(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.get(t, "/account").want(http.StatusOK).says("Make a passkey")
	script := func(r *http.Request) {
		asJSON(r)
		r.Header.Set("Accept", "application/json")
	}
	for _, address := range []string{"/account/passkeys/begin", "/sign-in/passkey/begin"} {
		a := v.send(t, http.MethodPost, address, nil, script).want(http.StatusOK)
		var begun struct {
			Ceremony string
			Options  struct{ PublicKey map[string]any }
		}
		if err := json.Unmarshal([]byte(a.body), &begun); err != nil || begun.Ceremony == "" || begun.Options.PublicKey["challenge"] == nil {
			t.Errorf("%s: got %s, %v", address, a.body, err)
		}
	}
	for name, c := range map[string]struct {
		address, body string
		status        int
	}{
		"no such ceremony":         {"/account/passkeys/finish", `{"ceremony":"x","name":"Laptop","answer":{}}`, http.StatusGone},
		"no such sign-in":          {"/sign-in/passkey/finish", `{"ceremony":"x","answer":{}}`, http.StatusGone},
		"not JSON":                 {"/account/passkeys/finish", `ceremony=x`, http.StatusBadRequest},
		"a field that is not ours": {"/account/passkeys/finish", `{"ceremony":"x","admin":true}`, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := v.another().send(t, http.MethodPost, c.address, nil, script, bodyOf(c.body)).want(c.status)
			if got := a.header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("got %q: %s", got, a.body)
			}
		})
	}
}

// Times are said the way people do.
func TestSinceOnThePage(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	p := v.project(t, dogs)
	for _, c := range []struct {
		after time.Duration
		says  string
	}{
		{30 * time.Second, "just now"},
		{time.Minute, "1 minute ago"},
		{3 * time.Hour, "3 hours ago"},
		{26 * time.Hour, "1 day ago"},
		{9 * 24 * time.Hour, "on 23 November 2026"},
	} {
		v.clock.Advance(c.after)
		v.get(t, "/p/"+string(p.ID)+"/").want(http.StatusOK).says(c.says)
		v.clock.Advance(-c.after)
	}
}
