package view

import (
	"net/netip"
	"strings"
	"time"

	"cofounder/internal/product/account"
)

// Account is the settings page.
type Account struct {
	User     account.User
	Session  account.SessionID // the one that asks
	Sessions []account.Session
	Keys     []account.Token
	Passkeys []account.Passkey
	Now      time.Time
	// NoPasskeys says why passkeys cannot work here; empty where they can.
	NoPasskeys string
	Alone      bool // nobody else is in the team
	// NoTeam is set for somebody in no team, who can have no access keys.
	NoTeam bool

	// Section is the part a form was sent from; Form belongs to it.
	Section string
	Form    Form
	// NewKey is an access key's secret, shown this once.
	NewKey     string
	NewKeyName string
}

// Sections of the settings page, as in its addresses and ids.
const (
	SectionReturn   = "return"
	SectionProfile  = "profile"
	SectionPassword = "password"
	SectionPasskeys = "passkeys"
	SectionSessions = "sessions"
	SectionKeys     = "keys"
	SectionData     = "data"
)

// form returns the form when it belongs to the section, else an empty one.
func (a Account) form(section string) Form {
	if a.Section == section {
		return a.Form
	}
	return Form{}
}

// whyWayBack says why an address and a password are asked for.
func (a Account) whyWayBack() string {
	if len(a.Passkeys) > 0 {
		return "You come in with a passkey. An e-mail address and a password are a second way, for when its device is not at hand."
	}
	return "You came in by a link. Give an e-mail address and a password, or make a passkey below, and you can sign in without the terminal."
}

// keysFor says what access keys are good for.
func (a Account) keysFor() string {
	if a.Alone {
		return "For programs that work with cofounder in your name."
	}
	return "For programs that work with cofounder in your name, in the present team only."
}

// keyMay says what an access key may do.
func keyMay(s account.Scope) string {
	if s == account.ScopeWrite {
		return "Read and change"
	}
	return "Read only"
}

// from says where a browser was last seen.
func from(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Unmap().IsLoopback() {
		return "this computer"
	}
	return address
}

// device names a browser and system from what the browser says of itself. It is
// a help for people, nothing is decided by it.
func device(userAgent string) string {
	browser := "A browser"
	for _, b := range []struct{ sign, name string }{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	} {
		if strings.Contains(userAgent, b.sign) {
			browser = b.name
			break
		}
	}
	for _, s := range []struct{ sign, name string }{
		{"Android", "Android"}, {"iPhone", "an iPhone"}, {"iPad", "an iPad"}, {"Windows", "Windows"}, {"Mac OS X", "a Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(userAgent, s.sign) {
			return browser + " on " + s.name
		}
	}
	return browser
}
