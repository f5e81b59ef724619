package preview

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/surface/httpd"

	"github.com/a-h/templ"
)

const (
	// retryPage is how soon a page that stands in for the app reloads itself.
	retryPage = 2 * time.Second
	// leastReload and mostReload bound it where a time is known.
	leastReload = time.Second
	mostReload  = 30 * time.Second
)

// note is a page of ours that stands in for an app.
type note struct {
	title, text, do string
	link, label     string        // where to go on, if anywhere
	reload          time.Duration // after which the page loads itself again; 0 never
	reference       string
}

// isPage reports whether a browser asks for a whole page, which can be told
// something, and not for a part of one.
func isPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame":
		return true
	case "":
		return r.Header.Get("Upgrade") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
	}
	return false
}

// standing answers for an app that does not run now.
func (s *Site) standing(w http.ResponseWriter, v visit, st hosting.Standing) {
	n := note{label: "Open its page in cofounder", link: s.again(v)}
	switch st.State {
	case hosting.Starting, hosting.Stopped, hosting.Running:
		left := min(max(st.Left, leastReload), mostReload)
		n = note{title: "Starting", text: "The app is starting, about " + seconds(left) + ".", reload: min(left, retryPage)}
		n.do = "This page shows it as soon as it is there."
	case hosting.Crashed:
		n.title, n.text = "The app stopped", st.Reason
		n.do = "Nothing that was saved is lost. I try again by myself; if it keeps stopping, report it on the app's page."
		n.reload = min(max(st.RetryAt.Sub(s.cfg.Clock.Now()), retryPage), mostReload)
	case hosting.Refused:
		n.title, n.text = "The app cannot run now", st.Reason
	}
	if !reads(v.r) {
		n.do, n.reload = "What you sent did not reach the app. Go back and send it again in a moment.", 0
	}
	s.answer(w, v.r, http.StatusServiceUnavailable, n)
}

// refuse answers with an error, which is logged here.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		httpd.Report(r.Context(), errors.Join(r.Context().Err(), err))
		panic(http.ErrAbortHandler) // nobody is there any more
	}
	p := httpd.Report(r.Context(), err)
	n := note{text: p.Detail}
	label, _ := s.label(r.Host)
	v := visit{label: label, r: r}
	switch p.Status {
	case http.StatusUnauthorized:
		n.title = "Open the app from cofounder"
		if p.Code == fault.Unauthenticated.String() {
			n.text = "This address shows an app to those who were let in, and this browser was not, or too long ago."
		}
		n.do = "A new link is one step away: sign in to cofounder and open the app there."
		if r.Header.Get("Sec-Fetch-Dest") == "iframe" {
			n.do = "Reload the page around this one: it makes a new link."
		}
		n.link, n.label = s.again(v), "Open it again"
	case http.StatusForbidden:
		n.title = "Not for you"
	case http.StatusNotFound:
		n.title = "There is nothing here"
		n.do = "Apps get new addresses now and then. The present one is on the app's page in cofounder."
		n.link, n.label = s.cfg.Home.String(), "Open cofounder"
	case http.StatusGone:
		n.title = "This is over"
	case http.StatusServiceUnavailable:
		n.title, n.do = "Not just now", "This page tries again by itself."
		n.reload = retryPage
	case http.StatusInternalServerError:
		n.title, n.do = "Something went wrong on my side", "The app and its data are not touched by it."
		n.reference = p.DebugID
	default:
		n.title = "That did not work"
	}
	if !reads(r) {
		n.reload = 0
	}
	s.answer(w, r, p.Status, n)
}

// again is where the product makes a new link to what v asked for.
func (s *Site) again(v visit) string {
	u := s.cfg.Home.JoinPath("apps", v.label)
	if to := httpd.LocalTarget(v.r.URL.RequestURI(), "/"); reads(v.r) && !strings.HasPrefix(to, ownPath) && to != "/" {
		u.RawQuery = url.Values{"to": {to}}.Encode()
	}
	return u.String()
}

// answer writes a page, or, where no page was asked for, its text.
func (s *Site) answer(w http.ResponseWriter, r *http.Request, status int, n note) {
	h := w.Header()
	clear(h)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if n.reload > 0 {
		h.Set("Retry-After", strconv.Itoa(wholeSeconds(n.reload)))
	}
	var b bytes.Buffer
	if isPage(r) {
		nonce := rand.Text()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; base-uri 'none'; form-action 'none'; frame-ancestors "+s.ancestors())
		if err := standIn(n).Render(templ.WithNonce(r.Context(), nonce), &b); err != nil { //nolint:contextcheck // it is passed
			panic(err) // it is made of texts
		}
	} else {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		b.WriteString(n.text + "\n")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) //nolint:errcheck // nobody is there any more
	}
}

// seconds says a time the way people do.
func seconds(d time.Duration) string { return strconv.Itoa(wholeSeconds(d)) + " s" }

func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
