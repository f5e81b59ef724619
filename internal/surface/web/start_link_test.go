package web_test

import (
	"net/http"
	"testing"
	"time"

	"cofounder/internal/surface/httpd"
)

func TestStartLinkOpensTheIdeaBox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, err := w.accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	a := b.get(t, "/start/"+code).leads("/signed-in?next=%2F")
	if b.cookies[httpd.SessionCookie] == "" {
		t.Fatal("the link set no session")
	}
	b.follow(t, a).want(http.StatusOK).says("What would you like to build?", "Nothing. No AI is connected.", "$0.00",
		"Take pictures: yes", "Send mail: not now", "Invitations are links you pass on yourself.")
}

func TestStartLinkIsNotUsedByLookingAhead(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		method string
		header map[string]string
	}{
		"HEAD":               {method: http.MethodHead},
		"prefetch":           {http.MethodGet, map[string]string{"Sec-Purpose": "prefetch"}},
		"prerender":          {http.MethodGet, map[string]string{"Sec-Purpose": "prefetch;prerender"}},
		"an older prefetch":  {http.MethodGet, map[string]string{"Purpose": "prefetch"}},
		"Firefox's prefetch": {http.MethodGet, map[string]string{"X-Moz": "prefetch"}},
	}
	w := newWorld(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, err := w.accounts.MintStartLink(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b := w.browser()
			a := b.send(t, c.method, "/start/"+code, nil, func(r *http.Request) {
				for k, v := range c.header {
					r.Header.Set(k, v)
				}
			}).want(http.StatusNoContent)
			if len(b.cookies) != 0 || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("got cookies %v and Cache-Control %q, want none and no-store", b.cookies, a.header.Get("Cache-Control"))
			}
			b.get(t, "/start/"+code).want(http.StatusSeeOther)
		})
	}
}

func TestStaleStartLinksSayWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, err := w.accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := w.browser()
	first.follow(t, first.get(t, "/start/"+code)).want(http.StatusOK)

	// used, by the browser that used it
	first.get(t, "/start/"+code).leads("/")

	// used, by another browser
	b := w.browser()
	b.get(t, "/start/"+code).want(http.StatusGone).says("This link was used already", "bin/cofounder user reset")
	if len(b.cookies) != 0 {
		t.Errorf("a used link set cookies: %v", b.cookies)
	}

	// never made
	w.browser().get(t, "/start/nothing-of-ours").want(http.StatusNotFound).says("This link is incomplete, or I did not make it.", "bin/cofounder user reset")

	// expired
	late, err := w.accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(16 * time.Minute)
	w.browser().get(t, "/start/"+late).want(http.StatusGone).says("This link has expired", "bin/cofounder user reset")
}

// Opening a link each day must not leave a list of sessions behind.
func TestSigningInAgainReplacesTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	for range 3 {
		code, err := w.accounts.MintStartLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v.follow(t, v.get(t, "/start/"+code)).want(http.StatusOK)
	}
	now := v.visitor(t)
	list, err := w.accounts.Sessions(t.Context(), now.actor)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Errorf("got %d sessions after signing in again and again with one browser, want 1", len(list))
	}
}

func TestResetLinkAsksForANewPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	code, err := w.accounts.MintResetLink(t.Context(), "mara@example.com")
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	b.follow(t, b.get(t, "/start/"+code)).want(http.StatusOK).says("Choose a new password").hushes("Current password")
	b.post(t, "/account/reset", form("password", "short")).want(http.StatusUnprocessableEntity)
	b.follow(t, b.post(t, "/account/reset", form("password", "another set of long words"))).want(http.StatusOK).says("Password saved")
	v.get(t, "/account").leads("/sign-in?next=%2Faccount") // signed out elsewhere
	c := w.browser()
	c.post(t, "/sign-in", form("email", "mara@example.com", "password", "another set of long words")).leads("/signed-in?next=%2F")
}
