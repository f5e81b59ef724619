package web_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cofounder/internal/product/account"
)

const typedCookie = "__Host-cofounder-typed"

// values are what stands in the fields of a page.
func (a answer) values() map[string]string {
	shown := map[string]string{}
	for _, i := range all(find(a.page, "main"), tag("input")) {
		if kind := attr(i, "type"); kind != "hidden" && kind != "checkbox" && kind != "radio" {
			shown[attr(i, "name")] = attr(i, "value")
		}
	}
	return shown
}

// signsInAgain presses the button of the page that asks for it.
func (v visitor) signsInAgain(t *testing.T, a answer, email string) answer {
	t.Helper()
	next := ""
	for _, i := range all(find(a.page, "main"), tag("input")) {
		if attr(i, "name") == "next" {
			next = attr(i, "value")
		}
	}
	v.follow(t, v.post(t, "/sign-out", form("next", next))).want(http.StatusOK)
	return v.follow(t, v.post(t, "/sign-in", form("email", email, "password", password, "next", next))).want(http.StatusOK)
}

// TestTypedBeforeSignIn wants what was typed into a form that needs a fresh sign-in to be
// there after it: once, for who typed it, and never the key.
func TestTypedBeforeSignIn(t *testing.T) {
	t.Parallel()
	const mine = "mara@example.com"
	for _, c := range []struct {
		name, page, action string
		typed              url.Values
		shows              map[string]string
		saved              string // leads here when it is sent again
	}{
		{
			"a connection", "/connect?preset=other", "/connect",
			form("preset", "other", "base_url", "https://ai.example.com", "auth", "bearer", "rate_card", "anthropic", "key", typedKey,
				"best", "claude-opus-5", "standard", "claude-sonnet-5", "small", "claude-haiku-4-5", "month_limit", "71", "run_limit", "", "run_limit_none", "yes"),
			map[string]string{"base_url": "https://ai.example.com", "best": "claude-opus-5", "month_limit": "71", "run_limit": "", "key": ""},
			"/connect",
		},
		{
			"limits", "/spending", "/spending/limits",
			form("month_limit", "71", "run_limit", "12.50", "day_limit", "", "day_limit_none", "yes"),
			map[string]string{"month_limit": "71", "run_limit": "12.50", "day_limit": ""},
			"/spending",
		},
		{"models of a team", "/connect", "/connect/roles", form("coder", "claude-opus-5"), map[string]string{"coder": "claude-opus-5", "month_limit": "30"}, "/connect"},
		{"models of an operator", "/admin/models", "/admin/models", form("writer", "claude-opus-5", "reason", "It writes better."), map[string]string{"writer": "claude-opus-5", "reason": "It writes better."}, "/admin/models"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.owner(t)
			v.connects(t, "https://first.example.com").want(http.StatusSeeOther)
			v.post(t, "/account/return", form("email", mine, "password", password)).want(http.StatusSeeOther)
			v.clock.Advance(time.Hour)

			v.get(t, c.page).want(http.StatusOK)
			refused := v.post(t, c.action, c.typed).want(http.StatusForbidden).says("Sign in again first", "What you typed is kept")
			raw, err := base64.RawURLEncoding.DecodeString(v.cookies[typedCookie])
			if err != nil || len(raw) == 0 || strings.Contains(string(raw), typedKey) || strings.Contains(refused.body, typedKey) {
				t.Fatalf("kept %s, %v", raw, err)
			}
			page := v.signsInAgain(t, refused, mine).says("What you typed before you signed in again is here")
			got := page.values()
			for name, want := range c.shows {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
			if page := v.get(t, c.page).want(http.StatusOK).hushes("before you signed in again"); page.values()["month_limit"] == "71" {
				t.Error("it is there a second time")
			}
			v.follow(t, v.post(t, c.action, c.typed).leads(c.saved)).want(http.StatusOK)
			if strings.Contains(w.log.String(), typedKey) {
				t.Error("the key is in the log")
			}
		})
	}
}

// What one typed is not for the next who signs in at the same browser.
func TestTypedIsForWhoTypedIt(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.connects(t, "https://first.example.com").want(http.StatusSeeOther)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	v.joins(t, "Vic", account.InvitationDraft{Role: account.Owner})
	v.clock.Advance(time.Hour)
	v.get(t, "/spending").want(http.StatusOK)
	refused := v.post(t, "/spending/limits", form("month_limit", "71", "run_limit", "10", "day_limit_none", "yes")).want(http.StatusForbidden)
	if got := v.signsInAgain(t, refused, "vic@example.com").hushes("before you signed in again").values()["month_limit"]; got != "30" {
		t.Errorf("the other sees the limit %q", got)
	}
	v.cookies[typedCookie] = "%%%"
	v.get(t, "/spending").want(http.StatusOK).hushes("before you signed in again")
}
