package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"net/http"
	"strconv"

	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"

	"github.com/a-h/templ"
)

// privacy says how long a page may stay in the browser.
type privacy string

const (
	// revisit lets a page come back on the browser's back button, unless
	// somebody is signed in on it: then it is secret, so that nobody brings it
	// back after they signed out.
	revisit privacy = "private, no-cache"
	// secret pages are never stored.
	secret privacy = "no-store"
	// once is secret for pages that show a key or link this one time. They are
	// not compressed, by proxies neither: what they show stands beside what was
	// typed, and a length would tell about it (https://www.breachattack.com).
	once privacy = "no-store, no-transform"
)

// page renders a page completely, then sends it, so that a fault in the middle
// becomes an error page and not half a page.
func (s *Site) page(w http.ResponseWriter, r *http.Request, status int, p privacy, c templ.Component) error {
	nonce := rand.Text()
	var b bytes.Buffer
	if err := c.Render(templ.WithNonce(r.Context(), nonce), &b); err != nil {
		return err
	}
	var packed []byte
	if p != once {
		var err error
		if packed, err = pack(b.Bytes(), gzip.BestSpeed); err != nil {
			return err
		}
	}
	h := w.Header()
	// A second policy can only narrow the first. See the package comment.
	h.Add("Content-Security-Policy", "script-src-attr 'nonce-"+nonce+"'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	if signedIn(r) && p != once {
		p = secret
	}
	h.Set("Cache-Control", string(p))
	h.Add("Vary", "Cookie")
	send(w, r, status, b.Bytes(), packed)
	return nil
}

// send writes a whole answer, compressed where the client can read that.
func send(w http.ResponseWriter, r *http.Request, status int, plain, packed []byte) {
	h := w.Header()
	body := plain
	if packed != nil {
		h.Add("Vary", "Accept-Encoding")
		if httpd.AcceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body = packed
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) //nolint:errcheck // the client is gone; the access line says how far it got
	}
}

// outside is the shell of a page that is the same for everybody.
func (s *Site) outside(r *http.Request, title string) view.Shell {
	return view.Shell{Title: title, Theme: themeOf(r), Asset: s.files.address, Version: s.cfg.Version}
}
