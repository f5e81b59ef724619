package web

import (
	"net/http"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// httpsExample is how an address that can keep a sign-in is set.
const httpsExample = "COFOUNDER_URL=https://your-address.example"

// Problem is the page for an error; httpd calls it for everything it or a handler
// refused. It is an httpd.ErrorRenderer.
func (s *Site) Problem(w http.ResponseWriter, r *http.Request, p httpd.Problem) {
	out := s.explain(r, p)
	if keptTyped(w) {
		out.Do = "What you typed is kept for a quarter of an hour and comes back with the form, but for a key."
	}
	sh := s.outside(r, out.Title)
	if aboutThings(p.Status) {
		// Known visitors keep their way around. Who is unknown, or cannot be
		// looked up now, gets the page all the same.
		if v, err := s.visitOf(r); err == nil {
			if known, err := s.shell(w, r, v, out.Title); err == nil {
				sh = known
			}
		}
	}
	if err := s.page(w, r, p.Status, secret, view.ProblemPage(sh, out)); err != nil {
		s.cfg.Log.ErrorContext(r.Context(), "error page failed", "err", err)
		http.Error(w, p.Title+". Reference "+p.DebugID, p.Status)
	}
}

// aboutThings reports whether a status is about what was asked for, and not
// about the address, the load or us: then it is worth asking the database who
// asks.
func aboutThings(status int) bool {
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// explain says in words what happened, what is safe and what to do.
func (s *Site) explain(r *http.Request, p httpd.Problem) view.Problem {
	out := view.Problem{Status: p.Status, Text: p.Detail, Reference: p.DebugID, Home: true}
	for _, f := range p.Fields {
		out.Fields = append(out.Fields, f.Detail)
	}
	switch p.Status {
	case http.StatusNotFound:
		out.Title = "There is nothing here"
		out.Do = "The address may be old or mistyped, or what was here belongs to someone else."
	case http.StatusForbidden:
		out.Title = "You may not do that"
		if p.Code == signInAgain {
			out.Title, out.Home, out.Again = "Sign in again first", false, cameFrom(r)
			if out.Again == "/" {
				out.Again = "/account"
			}
		}
	case http.StatusUnauthorized:
		out.Title = "Please sign in"
	case http.StatusGone:
		out.Title = "This is over"
	case http.StatusConflict:
		out.Title = "That does not fit any more"
		out.Do = "Nothing was changed. Go back, look at how it stands now, and try again."
	case http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusUnsupportedMediaType:
		out.Title = "I could not read that"
		out.Do = "Nothing was changed. Go back and send the form again."
	case http.StatusMethodNotAllowed:
		out.Title = "That cannot be done at this address"
	case http.StatusRequestEntityTooLarge:
		out.Title = "That is too much at once"
		out.Do = "Go back; what you typed is still there."
	case http.StatusTooManyRequests:
		out.Title = "Too many tries"
		out.Do = "Nothing is lost; this passes by itself."
	case http.StatusMisdirectedRequest:
		out.Title = "This is not my address"
		if p.Code == fault.Misdirected.String() || p.Code == "wrong_address" {
			out.Home = false
			if !s.keepsCookies {
				out.Text = "I am set up to be reached at " + s.cfg.PublicURL.String() + ", and you opened " + r.Host + ". Browsers keep no sign-in for the address I am set up for: it has no HTTPS and is not this computer's own."
				out.Do = "Remove COFOUNDER_URL and start cofounder again to use it on its own computer, or correct it to an HTTPS address:"
				out.Setting = httpsExample
				return out
			}
			out.Text = "I am set up to be reached at " + s.cfg.PublicURL.String() + ", and you opened " + r.Host + ". Signing in would not work here: browsers keep a sign-in only over HTTPS, or on the computer itself."
			out.Do = "Open " + s.cfg.PublicURL.String() + " on the computer cofounder runs on. To use it from elsewhere, put HTTPS in front of it and start it with its address:"
			out.Setting = httpsExample
		}
	case http.StatusServiceUnavailable:
		out.Title = "Not just now"
		out.Do = "Your work is safe. Try again in a moment."
	default:
		out.Title = "Something went wrong on my side"
		out.Do = "Your work up to here is saved. If it happens again, pass on the reference below: it finds the entry in the log."
	}
	return out
}
