package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestErrorsAreSaidOnPages(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	otherSite := func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	cases := map[string]struct {
		method, address string
		form            url.Values
		change          func(*http.Request)
		status          int
		says            string
	}{
		"no such page":       {http.MethodGet, "/nothing/here", nil, nil, 404, "There is nothing here"},
		"no such method":     {http.MethodDelete, "/account", nil, nil, 405, "cannot be done"},
		"another site":       {http.MethodPost, "/sign-out", form(), otherSite, 403, "another site"},
		"not a form":         {http.MethodPost, "/team/new", form("name", "x"), asJSON, 415, "could not read"},
		"not text":           {http.MethodPost, "/team/new", form("name", "\xff"), nil, 400, "could not read"},
		"an address of junk": {http.MethodGet, "/%ff", nil, nil, 400, "could not read"},
		"too much":           {http.MethodPost, "/projects", form("idea", strings.Repeat("x", 10<<20)), nil, 413, "too much"},
		"no such theme":      {http.MethodPost, "/theme", form("theme", "pink"), nil, 400, "no such theme"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := v.another()
			change := c.change
			if change == nil {
				change = func(*http.Request) {}
			}
			a := b.send(t, c.method, c.address, c.form, change).want(c.status).says(c.says, "Reference")
			if a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("an error may be kept: %q", a.header.Get("Cache-Control"))
			}
			b.get(t, "/account").want(http.StatusOK) // still signed in after that
		})
	}
}

func asJSON(r *http.Request) { r.Header.Set("Content-Type", "application/json") }

func TestTooManyTries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	b := w.browser()
	for range 100 {
		a := b.post(t, "/sign-in", form("email", "mara@example.com", "password", "wrong"))
		if a.status != http.StatusTooManyRequests {
			a.want(http.StatusUnauthorized)
			continue
		}
		if a.header.Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
		return
	}
	t.Error("a hundred wrong passwords were all tried")
}

// A known visitor keeps the way around; a stranger is not told more.
func TestErrorPageKnowsTheVisitor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	known := v.get(t, "/nothing").want(http.StatusNotFound).says("To your projects")
	if byID(known.page, "menu") == nil {
		t.Error("the account menu is gone")
	}
	if stranger := w.browser().get(t, "/nothing").want(http.StatusNotFound); byID(stranger.page, "menu") != nil {
		t.Error("a stranger has an account menu")
	}
}

func TestThemeWithoutScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get(t, "/sign-in")
	for _, c := range []struct{ theme, drawn string }{{"dark", "dark"}, {"light", "light"}, {"auto", ""}} {
		b.post(t, "/theme", form("theme", c.theme)).leads("/sign-in")
		if got := attr(find(b.get(t, "/sign-in").page, "html"), "data-theme"); got != c.drawn {
			t.Errorf("%s: drawn as %q, want %q", c.theme, got, c.drawn)
		}
	}
	b.send(t, http.MethodPost, "/theme", form("theme", "dark"), func(r *http.Request) {
		r.Header.Set("Referer", "https://evil.example/")
	}).leads("/")
}
