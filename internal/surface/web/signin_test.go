package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"

	"golang.org/x/net/html"
)

func deviceOf(agent string) account.Device { return account.Device{UserAgent: agent} }

// form makes the values of a form from names and values in turn.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func TestNobodyGetsInUninvited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.get(t, "/").leads("/sign-in")
	b.get(t, "/account?x=1").leads("/sign-in?next=%2Faccount%3Fx%3D1")
	b.post(t, "/projects", form("idea", "mine")).leads("/sign-in")
	b.get(t, "/sign-in").want(http.StatusOK).says("Nobody has an account here yet", "terminal").hushes("Password")
	b.get(t, "/sign-up").want(http.StatusNotFound).says("by invitation")
	b.post(t, "/sign-up", form("name", "Eve", "email", "eve@example.com", "password", password)).want(http.StatusForbidden)
	if has, err := w.accounts.HasUsers(t.Context()); err != nil || has {
		t.Errorf("HasUsers: got %v, %v; want nobody", has, err)
	}
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).leads("/account")

	b := w.browser()
	b.get(t, "/sign-in").want(http.StatusOK).says("Password").hushes("Nobody has an account", "Make an account")
	wrong := b.post(t, "/sign-in", form("email", "mara@example.com", "password", "not my password", "next", "/team")).
		want(http.StatusUnauthorized).hushes("not my password")
	if got := attr(byID(wrong.page, "email"), "value"); got != "mara@example.com" {
		t.Errorf("the address was not kept: %q", got)
	}
	if strings.Contains(wrong.body, "not my password") || len(b.cookies) != 0 {
		t.Errorf("a wrong password came back, or a cookie was set: %v", b.cookies)
	}
	stranger := b.post(t, "/sign-in", form("email", "nobody@example.com", "password", "not my password"))
	if stranger.status != wrong.status || strings.ReplaceAll(stranger.text(), "nobody", "mara") != wrong.text() {
		t.Errorf("a known and an unknown address are told apart:\n%s\n%s", stranger.text(), wrong.text())
	}

	a := b.post(t, "/sign-in", form("email", "mara@example.com", "password", password, "next", "/team"))
	a.leads("/signed-in?next=%2Fteam")
	cookie := a.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-cofounder=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q lacks %q", cookie, part)
		}
	}
	b.get(t, "/signed-in?next=%2Fteam").leads("/team")
	b.get(t, "/sign-in").leads("/")
	b.follow(t, b.post(t, "/sign-out", nil)).want(http.StatusOK).says("You are signed out")
	b.get(t, "/team").leads("/sign-in?next=%2Fteam")
	b.post(t, "/sign-out", nil).leads("/sign-in") // twice is no mistake
}

func TestSignedOutCookieIsWorthless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	stolen := v.cookies[httpd.SessionCookie]
	v.post(t, "/sign-out", nil).want(http.StatusSeeOther)
	thief := w.browser()
	thief.cookies[httpd.SessionCookie] = stolen
	thief.get(t, "/account").leads("/sign-in?next=%2Faccount")
}

func TestSignInTargetsStayOnThisSite(t *testing.T) {
	t.Parallel()
	cases := map[string]string{ // given → where it may lead
		"/team":                         "/team",
		"/p/prj_x/?a=b#c":               "/p/prj_x/?a=b#c",
		"":                              "/",
		"team":                          "/",
		"//evil.example":                "/",
		"///evil.example":               "/",
		`/\evil.example`:                "/",
		`\\evil.example`:                "/",
		"https://evil.example":          "/",
		"https:evil.example":            "/",
		"javascript:alert(1)":           "/",
		"/%2f%2fevil.example":           "/",
		"/%5cevil.example":              "/",
		"%2f%2fevil.example":            "/",
		"/\t/evil.example":              "/",
		"/\r\nLocation: //evil":         "/",
		"/a\r\nSet-Cookie: x=y":         "/",
		" //evil.example":               "/",
		"/team\x00":                     "/",
		"http:///evil.example":          "/",
		"/@evil.example":                "/@evil.example",
		"/" + strings.Repeat("a", 3000): "/",
	}
	w := newWorld(t)
	v := w.owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).leads("/account")
	for given, want := range cases {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			b, v := w.browser(), v.another()
			a := b.get(t, "/sign-in?next="+url.QueryEscape(given))
			if strings.Contains(given, "\x00") {
				a.want(http.StatusBadRequest) // httpd refuses the address as a whole
			} else {
				hidden := all(a.want(http.StatusOK).page, func(n *html.Node) bool { return attr(n, "name") == "next" })
				if got := attr(hidden[0], "value"); got != want {
					t.Errorf("the form would lead to %q, want %q", got, want)
				}
			}
			if strings.Contains(given, "\x00") {
				return
			}
			v.get(t, "/signed-in?next="+url.QueryEscape(given)).leads(want)
			out := b.post(t, "/sign-in", form("email", "mara@example.com", "password", password, "next", given))
			out.leads("/signed-in?next=" + url.QueryEscape(want))
			if len(out.header.Values("Location")) != 1 {
				t.Errorf("got %d Location headers", len(out.header.Values("Location")))
			}
			base, err := url.Parse(origin)
			if err != nil {
				t.Fatal(err)
			}
			if to, err := base.Parse(want); err != nil || to.Host != base.Host {
				t.Errorf("%q leads away from %s: %v, %v", want, origin, to, err)
			}
		})
	}
}

func TestBrowserThatKeepsNoCookieIsTold(t *testing.T) {
	t.Parallel()
	newWorld(t).browser().get(t, "/signed-in?next=/team").want(http.StatusForbidden).
		says("Your browser did not keep the sign-in", "COFOUNDER_URL")
}

// Over plain HTTP on another computer no browser keeps the cookie: nothing is
// used up, and the page names the setting.
func TestAddressWhereSignInCannotWork(t *testing.T) {
	t.Parallel()
	t.Run("set up for it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(s *settings) { s.publicURL = "http://192.168.1.5:8080" })
		code, err := w.accounts.MintStartLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		here := func(r *http.Request) { r.Host = "192.168.1.5:8080" }
		b := w.browser()
		for _, address := range []string{"/start/" + code, "/sign-in"} {
			b.get(t, address, here).want(http.StatusForbidden).says("Signing in cannot work at this address", "COFOUNDER_URL", "HTTPS")
		}
		if _, _, err := w.accounts.Redeem(t.Context(), code, deviceOf("x")); err != nil {
			t.Errorf("the link was used up: %v", err)
		}
	})
	t.Run("reached by it", func(t *testing.T) {
		t.Parallel()
		there := func(r *http.Request) { r.Host = "192.168.1.5:8080" }
		b := newWorld(t).browser()
		a := b.get(t, "/sign-in", there).want(http.StatusMisdirectedRequest).says("This is not my address", "http://localhost:8080", "192.168.1.5:8080", "COFOUNDER_URL=", "Reference")
		for _, address := range staticAddresses(a.page) {
			b.get(t, address, there).want(http.StatusOK) // or the page could not be drawn
		}
	})
}

func TestOpenSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.signUpOpen = true })
	w.owner(t)
	b := w.browser()
	b.get(t, "/sign-in").says("Make an account")
	b.get(t, "/sign-up").want(http.StatusOK)
	weak := b.post(t, "/sign-up", form("name", "Jo", "email", "jo@example.com", "password", "password")).want(http.StatusUnprocessableEntity)
	if attr(byID(weak.page, "password"), "aria-invalid") != "true" || attr(byID(weak.page, "name"), "value") != "Jo" {
		t.Error("the weak password is not marked, or what was typed is gone")
	}
	b.follow(t, b.post(t, "/sign-up", form("name", "Jo", "email", "jo@example.com", "password", password))).
		want(http.StatusOK).says("What would you like to build?")
}
