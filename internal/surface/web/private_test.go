package web_test

import (
	"net/http"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"
)

// Nobody brings a page back with the browser's back button after its owner has
// signed out.
func TestPagesOfSomebodyAreNotKept(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	at := "/p/" + string(v.project(t, dogs).ID) + "/"
	for _, address := range []string{"/", "/new", "/team", "/account", "/account/reset", "/account/delete", at, at + "delete"} {
		if got := v.get(t, address).want(http.StatusOK).header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q, want no-store", address, got)
		}
	}
	if got := v.post(t, "/sign-out", nil).leads("/sign-in").header.Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("signing out: Clear-Site-Data %q", got)
	}
}

func TestDeletedAccountLeavesNothingInTheBrowser(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	if got := v.post(t, "/account/delete", form("confirm", "delete")).leads("/sign-in").header.Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("Clear-Site-Data %q", got)
	}
}

// What needs a fresh sign-in offers one that leads back.
func TestSignInAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	a := w.refused(t, v, fault.New(fault.Forbidden, "sign_in_again", "This needs a sign-in of the last ten minutes.")).
		want(http.StatusForbidden).says("Sign in again first", "of the last ten minutes", "Sign in again")
	again := ""
	for _, f := range all(find(a.page, "main"), tag("form")) {
		again = attr(f, "action")
		for _, i := range all(f, tag("input")) {
			if attr(i, "name") == "next" {
				again += " " + attr(i, "value")
			}
		}
	}
	if again != "/sign-out /account" {
		t.Errorf("the button leads to %q, want /sign-out and back to /account", again)
	}
	v.post(t, "/sign-out", form("next", "/account")).leads("/sign-in?next=%2Faccount")
	if _, still := v.cookies[httpd.SessionCookie]; still {
		t.Error("still signed in")
	}
	v.post(t, "/sign-out", form("next", "//evil.example")).leads("/sign-in")
}
