package web

import (
	"net/http"
	"net/url"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"
)

// themeCookie is read by the server, so that a page is drawn in the right colours
// at once, and written by our script too. It is no secret.
const themeCookie = "theme"

// themeOf returns light, dark, or nothing for what the system says.
func themeOf(r *http.Request) string {
	c, err := r.Cookie(themeCookie)
	if err != nil || c.Value != "light" && c.Value != "dark" {
		return ""
	}
	return c.Value
}

// setTheme is the way to choose a theme without script.
func (s *Site) setTheme(w http.ResponseWriter, r *http.Request) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	value := f.Get("theme")
	if value != "light" && value != "dark" && value != "auto" {
		return fault.New(fault.Malformed, "", "There is no such theme.")
	}
	//nolint:gosec // the script writes it too, and it says nothing but light or dark
	http.SetCookie(w, &http.Cookie{Name: themeCookie, Value: value, Path: "/", MaxAge: 31536000, SameSite: http.SameSiteLaxMode})
	seeOther(w, r, cameFrom(r))
	return nil
}

// cameFrom is the page of ours a form was sent from, or the start.
func cameFrom(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return "/"
	}
	return httpd.LocalTarget(u.RequestURI(), "/")
}
