package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/surface/httpd"

	"github.com/google/go-cmp/cmp"
)

// open to everybody; every other operation needs a sign-in.
var publicOperations = []string{"get-status"}

// what a viewer may write: what concerns only themselves.
var viewersOwn = []string{
	"update-me", "set-password", "revoke-session", "revoke-other-sessions", "remove-passkey",
	"create-token", "revoke-token", "create-workspace",
}

// what a viewer may write for others to see.
var viewersSay = []string{"create-comment"}

// whole fills an operation's path with things of p's own.
func (w *world) whole(t *testing.T, o *operation, p person) request {
	t.Helper()
	ids := map[string]string{}
	for _, name := range o.pathParameters() {
		ids[name] = w.things()[name](t, p)
	}
	return request{method: o.method, path: o.at(ids), body: w.doc.body(o)}
}

func TestEveryOperationNeedsSignIn(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	past, err := w.credentialsOfThePast(t, ann)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range w.doc.operations() {
		r := w.whole(t, o, ann)
		before := w.contents(t)
		for name, change := range past {
			r.as, r.header = nil, http.Header{}
			change(r.header)
			a := w.send(t, r)
			if slices.Contains(publicOperations, o.OperationID) {
				if a.status != http.StatusOK {
					t.Errorf("%s, %s: status %d, want 200", o, name, a.status)
				}
				continue
			}
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s, %s: status %d, want 401: %s", o, name, a.status, a.body)
			}
		}
		if diff := cmp.Diff(before, w.contents(t)); diff != "" {
			t.Errorf("%s: something was written\n%s", o, diff)
		}
	}
}

// credentialsOfThePast returns all that must not let anybody in, each tried once
// while it was good.
func (w *world) credentialsOfThePast(t *testing.T, p person) (map[string]func(http.Header), error) {
	t.Helper()
	cookie := func(value string) func(http.Header) {
		return func(h http.Header) { h.Set("Cookie", httpd.SessionCookie+"="+value) }
	}
	bearer := func(value string) func(http.Header) {
		return func(h http.Header) { h.Set("Authorization", value) }
	}
	expiredSession, revokedSession, expiredKey, revokedKey, removed := w.founder(t), w.founder(t), w.key(t, p, account.ScopeWrite), "", w.joins(t, p, account.Member)
	revokedKey, made, err := w.accounts.CreateToken(t.Context(), p.actor, account.TokenDraft{Name: "x", Scope: account.ScopeWrite, Days: 300})
	if err != nil {
		return nil, err
	}
	removedKey := w.key(t, removed, account.ScopeWrite)
	for _, good := range []any{expiredSession, revokedSession, expiredKey, revokedKey, removedKey} {
		w.send(t, request{method: http.MethodGet, path: "/me", as: good}).want(t, http.StatusOK)
	}
	if err := w.accounts.RevokeSession(t.Context(), revokedSession.actor, revokedSession.actor.Session); err != nil {
		return nil, err
	}
	if err := w.accounts.RevokeToken(t.Context(), p.actor, made.ID); err != nil {
		return nil, err
	}
	if err := w.accounts.RemoveMember(t.Context(), p.actor, removed.actor.User); err != nil {
		return nil, err
	}
	w.clock.Advance(29 * 24 * time.Hour)
	w.send(t, request{method: http.MethodGet, path: "/me", as: p}).want(t, http.StatusOK) // a visit keeps p's own
	w.clock.Advance(2 * 24 * time.Hour)
	return map[string]func(http.Header){
		"nothing":                   func(http.Header) {},
		"an expired session":        cookie(expiredSession.cookie),
		"a revoked session":         cookie(revokedSession.cookie),
		"an invented session":       cookie(strings.Repeat("A", len(p.cookie))),
		"an empty session":          cookie(""),
		"an access key as session":  cookie(revokedKey),
		"an expired access key":     bearer("Bearer " + expiredKey),
		"a revoked access key":      bearer("Bearer " + revokedKey),
		"a removed member's key":    bearer("Bearer " + removedKey),
		"an invented access key":    bearer("Bearer cof_" + strings.Repeat("A", len(expiredKey)-4)),
		"a session as access key":   bearer("Bearer " + p.cookie),
		"a scheme without key":      bearer("Bearer"),
		"another scheme":            bearer("Basic " + p.cookie),
		"a bad key beside a cookie": func(h http.Header) { cookie(p.cookie)(h); bearer("Bearer cof_bad")(h) },
		"two access keys":           func(h http.Header) { h["Authorization"] = []string{"Bearer " + expiredKey, "Bearer " + expiredKey} },
	}, nil
}

func TestViewersChangeNothingOfTheTeam(t *testing.T) {
	t.Parallel()
	w := open(t)
	owner := w.founder(t)
	viewer := w.joins(t, owner, account.Viewer)
	for _, o := range w.doc.operations() {
		if !o.writes() || slices.Contains(viewersOwn, o.OperationID) || slices.Contains(viewersSay, o.OperationID) {
			continue
		}
		r := w.whole(t, o, owner)
		before := w.contents(t)
		visitors := map[string]any{"session": viewer}
		if o.takesKeys() {
			visitors["access key"] = w.key(t, viewer, account.ScopeWrite)
			before = w.contents(t)
		}
		for name, who := range visitors {
			r.as = who
			if a := w.send(t, r); a.status != http.StatusForbidden {
				t.Errorf("%s as viewer by %s: status %d, want 403: %s", o, name, a.status, a.body)
			}
		}
		if diff := cmp.Diff(before, w.contents(t)); diff != "" {
			t.Errorf("%s: something was written\n%s", o, diff)
		}
	}
}

// What the list above lets out does work for viewers, on their own things.
func TestViewersLookAfterThemselves(t *testing.T) {
	t.Parallel()
	for _, o := range open(t).doc.operations() {
		if !slices.Contains(viewersOwn, o.OperationID) {
			continue
		}
		t.Run(o.OperationID, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			viewer := w.joins(t, w.founder(t), account.Viewer)
			r := w.whole(t, o, viewer)
			r.as = viewer
			if a := w.send(t, r); a.status >= http.StatusBadRequest {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
}

func TestReadingKeysWriteNothing(t *testing.T) {
	t.Parallel()
	w := open(t)
	owner := w.founder(t)
	key := w.key(t, owner, account.ScopeRead)
	for _, o := range w.doc.operations() {
		r := w.whole(t, o, owner)
		r.as = key
		before := w.contents(t)
		want := http.StatusForbidden
		if !o.writes() && (o.takesKeys() || o.public()) {
			want = http.StatusOK
		}
		if a := w.send(t, r); a.status != want {
			t.Errorf("%s: status %d, want %d: %s", o, a.status, want, a.body)
		}
		if diff := cmp.Diff(before, w.contents(t)); diff != "" {
			t.Errorf("%s: something was written\n%s", o, diff)
		}
	}
}

// A leaked access key, even one that may write, cannot make itself at home.
func TestKeysStayInTheirWorkspace(t *testing.T) {
	t.Parallel()
	w := open(t)
	owner := w.founder(t)
	key := w.key(t, owner, account.ScopeWrite)
	for _, o := range w.doc.operations() {
		if o.takesKeys() || o.public() {
			continue
		}
		r := w.whole(t, o, owner)
		r.as = key
		w.send(t, r).wantProblem(t, http.StatusForbidden, "session_needed")
	}
}

func TestPagesOfOtherSitesCannotWrite(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	before := w.contents(t)
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
	} {
		a := w.send(t, request{method: http.MethodPost, path: "/projects", as: ann, header: header, body: map[string]any{"idea": "Mine now"}})
		a.wantProblem(t, http.StatusForbidden, "cross_origin")
		for name := range a.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("answers with %s", name)
			}
		}
	}
	if diff := cmp.Diff(before, w.contents(t)); diff != "" {
		t.Errorf("something was written\n%s", diff)
	}
}
