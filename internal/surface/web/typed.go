package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/surface/web/view"
)

// typedCookie carries what was typed into a form over a sign-in that the form needs. It
// holds what the form's page shows anyway; never a password or a key.
const typedCookie = "__Host-cofounder-typed"

// Seconds that what was typed is kept, and the most that browsers keep in a cookie.
const (
	typedLife = 15 * 60
	mostTyped = 3800
)

// typed is a form that was sent too late to be taken.
type typed struct {
	Action string // where it was sent
	User   account.UserID
	Team   account.WorkspaceID
	Values url.Values
}

// signInAgain is the code of the refusal to a session that was opened too long ago.
const signInAgain = "sign_in_again"

// mendable is refused for forms that may need a fresh sign-in: what was typed is then
// kept for the page of the form.
func mendable(w http.ResponseWriter, r *http.Request, v visit, err error, f url.Values) (refusal, error) {
	if of := fault.Of(err); of != nil && of.Code == signInAgain {
		keepTyped(w, typed{Action: r.URL.Path, User: v.actor.User, Team: v.actor.Workspace, Values: f})
	}
	return refused(w, err, f)
}

func keepTyped(w http.ResponseWriter, t typed) {
	t.Values = without(t.Values, view.TeamField, "key", "password")
	raw, err := json.Marshal(t)
	if err != nil {
		return // text cannot fail to be JSON
	}
	if value := base64.RawURLEncoding.EncodeToString(raw); len(value) <= mostTyped {
		http.SetCookie(w, hostCookie(typedCookie, value, typedLife))
	}
}

func without(f url.Values, names ...string) url.Values {
	kept := url.Values{}
	for name, values := range f {
		if !slices.Contains(names, name) {
			kept[name] = values
		}
	}
	return kept
}

// keptTyped reports whether the answer under way keeps what was typed.
func keptTyped(w http.ResponseWriter) bool {
	return slices.ContainsFunc((&http.Response{Header: w.Header()}).Cookies(), func(c *http.Cookie) bool { return c.Name == typedCookie && c.MaxAge > 0 })
}

// takeTyped gives back what the visitor typed into the form that is sent to action, once;
// the zero Form where that is nothing.
func takeTyped(w http.ResponseWriter, r *http.Request, v visit, action string) view.Form {
	c, err := r.Cookie(typedCookie)
	if err != nil || r.Method != http.MethodGet {
		return view.Form{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return view.Form{} // not ours
	}
	var t typed
	if json.Unmarshal(raw, &t) != nil || t.Action != action || t.User != v.actor.User || t.Team != v.actor.Workspace {
		return view.Form{}
	}
	http.SetCookie(w, hostCookie(typedCookie, "", -1))
	form := view.Form{Note: "What you typed before you signed in again is here. It is not saved yet.", Values: map[string]string{}}
	for name, values := range t.Values {
		if len(values) > 0 {
			form.Values[name] = values[0]
		}
	}
	return form
}
