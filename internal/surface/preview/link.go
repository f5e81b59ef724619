package preview

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/surface/httpd"
)

const (
	// ownPath is the one part of an app's addresses that is ours.
	ownPath = "/.cofounder"

	linkFor = 2 * time.Minute
	// passFor is how long a pass lasts unused, and linkPurpose and passPurpose keep one
	// from being used as the other.
	passFor     = 12 * time.Hour
	linkPurpose = "preview link"
	passPurpose = "preview pass"
	// longest is the most a link or pass may measure before it is looked at.
	longest = 2048
)

// Showing is how an app is looked at.
type Showing string

// The ways: in a frame on one of our pages, or in a tab of its own.
const (
	InFrame Showing = "frame"
	InTab   Showing = "tab"
)

// pass is what a link and the cookie it leaves say. It is sealed, with the label
// bound to it.
type pass struct {
	Viewer string    `json:"v"`
	As     Showing   `json:"a"`
	Until  time.Time `json:"u"`
}

// Link returns an address that lets viewer into an app for two minutes and leads to
// path there. Whoever has it is that viewer: put it on pages made for them only, and
// make it when it is needed. Viewer must not be empty.
func (s *Site) Link(label, viewer string, as Showing, path string) string {
	token := s.seal(linkPurpose, label, pass{Viewer: viewer, As: as, Until: s.cfg.Clock.Now().Add(linkFor)})
	q := url.Values{"pass": {token}, "to": {httpd.LocalTarget(path, "/")}}
	return s.Origin(label) + ownPath + "/open?" + q.Encode()
}

func (s *Site) seal(purpose, label string, p pass) string {
	plain, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and times always encode
	}
	return base64.RawURLEncoding.EncodeToString(s.cfg.Box.Seal(purpose, plain, []byte(label)))
}

// unseal returns what seal was given, unless it was for something else, is over, or
// is none of ours.
func (s *Site) unseal(purpose, label, text string) (pass, bool) {
	if len(text) > longest {
		return pass{}, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return pass{}, false
	}
	plain, err := s.cfg.Box.Open(purpose, sealed, []byte(label))
	if err != nil {
		return pass{}, false
	}
	var p pass
	if err := json.Unmarshal(plain, &p); err != nil {
		return pass{}, false
	}
	return p, p.Viewer != "" && s.cfg.Clock.Now().Before(p.Until)
}

// own answers below ownPath.
func (s *Site) own(w http.ResponseWriter, v visit) error {
	if v.r.URL.Path != ownPath+"/open" {
		return fault.New(fault.NotFound, "", "There is nothing at this address.")
	}
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		return fault.New(fault.NotAllowed, "", "This address can only be opened.")
	}
	return s.open(w, v)
}

// open exchanges a link for a pass. A link that is over still leads on whoever has a
// pass: a browser that goes back asks for it again.
func (s *Site) open(w http.ResponseWriter, v visit) error {
	q := v.r.URL.Query()
	p, ok := s.unseal(linkPurpose, v.label, q.Get("pass"))
	if !ok {
		if p, ok = s.passOf(v.r, v.label); !ok {
			return fault.New(fault.Unauthenticated, "link_over", "This link is over: it works for two minutes.")
		}
	}
	if err := s.admits.ask(v.r.Context(), v.label, p.Viewer); err != nil {
		return err
	}
	s.give(w, v.label, p)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", httpd.LocalTarget(q.Get("to"), "/"))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
