package web

import (
	"net/http"

	"cofounder/internal/surface/httpd"
)

// cookieLife is the longest browsers keep a cookie. When a session ends is
// decided by package account, not by the cookie.
const cookieLife = 400 * 24 * 60 * 60

// hostCookie is a cookie that reaches this host only and no script.
func hostCookie(name, value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func setSession(w http.ResponseWriter, secret string) {
	http.SetCookie(w, hostCookie(httpd.SessionCookie, secret, cookieLife))
}

func clearSession(w http.ResponseWriter) {
	http.SetCookie(w, hostCookie(httpd.SessionCookie, "", -1))
}

// forgetEverything ends what the browser keeps of somebody: the session, and pages
// it may still show.
func forgetEverything(w http.ResponseWriter) {
	clearSession(w)
	w.Header().Set("Clear-Site-Data", `"cache"`)
}

// sessionSecret returns what the browser sent, or nothing.
func sessionSecret(r *http.Request) string {
	c, err := r.Cookie(httpd.SessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}
