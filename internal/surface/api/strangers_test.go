package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cofounder/internal/base/id"
	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

// things makes, for each kind of path parameter, something that belongs to a person
// and returns its id. An operation with a parameter that is not here fails
// TestStrangersFindNothing: a new kind must say what another team's would be.
func (w *world) things() map[string]func(*testing.T, person) string {
	return map[string]func(*testing.T, person) string{
		"project":  func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).project) },
		"decision": func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).decision) },
		"comment":  func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).comment) },
		"proposal": func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).proposal) },
		"question": func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).question) },
		"contradiction": func(t *testing.T, p person) string {
			t.Helper()
			return string(w.desk(t, p).contradiction)
		},
		"attachment": func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).attachment) },

		"option":   func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).option) },
		"wish":     func(t *testing.T, p person) string { t.Helper(); return string(w.desk(t, p).wish) },
		"document": func(*testing.T, person) string { return "brief" },
		"section":  func(*testing.T, person) string { return "value" },
		"version":  func(*testing.T, person) string { return "1" },
		"user": func(t *testing.T, p person) string {
			t.Helper()
			return string(w.joins(t, p, account.Member).actor.User)
		},
		"invitation": func(t *testing.T, p person) string {
			t.Helper()
			_, i, err := w.accounts.Invite(t.Context(), p.actor, account.InvitationDraft{Role: account.Viewer})
			if err != nil {
				t.Fatal(err)
			}
			return string(i.ID)
		},
		"token": func(t *testing.T, p person) string {
			t.Helper()
			_, made, err := w.accounts.CreateToken(t.Context(), p.actor, account.TokenDraft{Name: "x", Scope: account.ScopeRead})
			if err != nil {
				t.Fatal(err)
			}
			return string(made.ID)
		},
		"session": func(t *testing.T, p person) string {
			t.Helper()
			_, s, err := w.accounts.SignIn(t.Context(), p.session.User.Email, password, account.Device{Address: "198.51.100.7"})
			if err != nil {
				t.Fatal(err)
			}
			return string(s.ID)
		},
		"passkey": func(t *testing.T, p person) string {
			t.Helper()
			return w.passkey(t, p)
		},
	}
}

// passkey stores one; making it as a browser does is account's own test.
func (w *world) passkey(t *testing.T, p person) string {
	t.Helper()
	key := string(id.Mint[account.PasskeyID](id.NewSource(w.clock.Now)))
	_, err := w.db.Exec(t.Context(), `
INSERT INTO passkey (id, user_id, name, rp_id, credential_id, public_key, sign_count, transports, aaguid,
                     user_verified, backup_eligible, backup_state, created_at)
VALUES ($1, $2, 'Phone', 'localhost', convert_to($1, 'UTF8'), '\x01', 0, '{}', '\x00', true, $3, $3, $4)`,
		key, p.actor.User, false, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Two teams, every operation with an id in its path: another team's is 404, told
// apart from one that does not exist by nothing, and changes nothing.
func TestStrangersFindNothing(t *testing.T) {
	t.Parallel()
	found := 0
	for _, o := range open(t).doc.operations() {
		names := o.pathParameters()
		if len(names) == 0 {
			continue
		}
		found++
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			ann, bob := w.founder(t), w.founder(t)
			theirs, absent := map[string]string{}, map[string]string{}
			for _, name := range names {
				thing, ok := w.things()[name]
				if !ok {
					t.Fatalf("{%s} is new: add to things what another team's is", name)
				}
				theirs[name] = thing(t, bob)
				absent[name] = theirs[name] // what everybody has: brief, version 1
				if prefix, _, ok := strings.Cut(theirs[name], "_"); ok {
					absent[name] = prefix + "_00000000000000000000000000"
				}
			}
			visitors := map[string]any{"session": ann}
			if o.takesKeys() {
				visitors["access key"] = w.key(t, ann, account.ScopeWrite)
			}
			body, before := w.doc.body(o), w.contents(t)
			for name, who := range visitors {
				foreign := w.send(t, request{method: o.method, path: o.at(theirs), as: who, body: body})
				foreign.want(t, http.StatusNotFound)
				missing := w.send(t, request{method: o.method, path: o.at(absent), as: who, body: body})
				one, other := foreign.problem(t), missing.problem(t)
				one.DebugID, other.DebugID = "", ""
				if diff := cmp.Diff(other, one); diff != "" {
					t.Errorf("%s: someone else's differs from an absent one (-absent +theirs)\n%s", name, diff)
				}
			}
			if diff := cmp.Diff(before, w.contents(t)); diff != "" {
				t.Errorf("something was written (-before +after)\n%s", diff)
			}
			// The same request by whom it belongs to shows that the ids were good.
			if a := w.send(t, request{method: o.method, path: o.at(theirs), as: bob, body: body}); a.status >= http.StatusBadRequest &&
				a.status != http.StatusConflict {
				t.Errorf("for its owner: %d %s", a.status, a.body)
			}
		})
	}
	if found < 10 {
		t.Errorf("only %d operations with ids found", found)
	}
}

// Ids of another kind and what is no id at all do not exist either.
func TestIDsThatAreNone(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	own := map[string]string{}
	for kind, thing := range w.things() {
		own[kind] = thing(t, ann)
	}
	for _, o := range w.doc.operations() {
		for _, name := range o.pathParameters() {
			wrong := []string{
				"x", "0", "-1", "null", "%20", "..%2f..%2fetc%2fpasswd", "%3Cscript%3E", "' OR 1=1 --",
				own[name] + "x", own[name][:len(own[name])-1], strings.ToUpper(own[name]),
				strings.Repeat("a", 2000), "prj_", "%C3%A4",
			}
			for kind, value := range own {
				if kind != name {
					wrong = append(wrong, value)
				}
			}
			for _, value := range wrong {
				path := o.at(map[string]string{name: strings.ReplaceAll(value, " ", "%20")})
				if a := w.send(t, request{method: o.method, path: path, as: ann, body: w.doc.body(o)}); a.status != http.StatusNotFound {
					t.Errorf("%s with %.40q: status %d, want 404", o, value, a.status)
				}
			}
		}
	}
}

func TestForeignIDInBody(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann, bob := w.founder(t), w.founder(t)
	theirs := string(w.project(t, bob).ID)
	before := w.contents(t)
	details := map[string]bool{}
	for _, project := range []string{theirs, "prj_00000000000000000000000000", "nonsense", string(bob.actor.User)} {
		a := w.send(t, request{method: http.MethodPost, path: "/invitations", as: ann, body: map[string]any{"role": "member", "project": project}})
		a.wantProblem(t, http.StatusUnprocessableEntity, "invalid", "project")
		details[fmt.Sprint(a.problem(t).Fields)] = true
	}
	if len(details) != 1 {
		t.Errorf("told apart: %v", details)
	}
	if diff := cmp.Diff(before, w.contents(t)); diff != "" {
		t.Errorf("something was written\n%s", diff)
	}
	own := string(w.project(t, ann).ID)
	w.send(t, request{method: http.MethodPost, path: "/invitations", as: ann, body: map[string]any{"role": "member", "project": own}}).
		want(t, http.StatusCreated)
}

// Lists hold nothing of another team's or person's.
func TestListsAreOwn(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann, bob := w.founder(t), w.founder(t)
	var theirs []string
	for _, thing := range w.things() {
		if i := thing(t, bob); strings.Contains(i, "_") { // not what everybody has: brief, version 1
			theirs = append(theirs, i)
		}
	}
	theirs = append(theirs, string(bob.actor.User), string(bob.actor.Workspace), string(bob.actor.Session), bob.session.User.Email)
	for _, o := range w.doc.operations() {
		if o.writes() || len(o.pathParameters()) > 0 || o.operators() {
			continue
		}
		a := w.send(t, request{method: o.method, path: o.path, as: ann}).want(t, http.StatusOK)
		if i := slices.IndexFunc(theirs, func(s string) bool { return strings.Contains(string(a.body), s) }); i >= 0 {
			t.Errorf("%s: holds %s of another team: %s", o, theirs[i], a.body)
		}
	}
}

// Inside one team, and for one person in two: a project somebody was not invited to,
// and one of a workspace the key or session does not act in, does not exist either.
func TestProjectsBeside(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann, bob := w.founder(t), w.founder(t)
	shown, hidden := w.project(t, bob), w.project(t, bob)
	code, _, err := w.accounts.Invite(t.Context(), bob.actor, account.InvitationDraft{Role: account.Member, Project: shown.ID})
	if err != nil {
		t.Fatal(err)
	}
	c, d := w.credentials()
	cookie, s, err := w.accounts.SignUpInvited(t.Context(), code, c, d)
	guest := w.seat(t, cookie, s, err)
	code, _, err = w.accounts.Invite(t.Context(), bob.actor, account.InvitationDraft{Role: account.Owner})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.accounts.AcceptInvitation(t.Context(), ann.session, code); err != nil {
		t.Fatal(err)
	}
	annsKey, guestsKey := w.key(t, ann, account.ScopeWrite), w.key(t, guest, account.ScopeWrite)
	if err := w.accounts.SwitchWorkspace(t.Context(), ann.session, ann.actor.Workspace); err != nil {
		t.Fatal(err)
	}

	w.send(t, request{method: http.MethodGet, path: "/projects/" + string(shown.ID), as: guest}).want(t, http.StatusOK)
	for name, who := range map[string]any{"guest": guest, "guest's key": guestsKey, "owner elsewhere": ann, "key made elsewhere": annsKey} {
		if got := w.send(t, request{method: http.MethodGet, path: "/projects", as: who}); strings.Contains(string(got.body), string(hidden.ID)) {
			t.Errorf("%s: listed", name)
		}
		for _, o := range w.doc.operations() {
			if !slices.Equal(o.pathParameters(), []string{"project"}) {
				continue
			}
			foreign := w.send(t, request{method: o.method, path: o.at(map[string]string{"project": string(hidden.ID)}), as: who, body: w.doc.body(o)})
			missing := w.send(t, request{method: o.method, path: o.at(map[string]string{"project": "prj_00000000000000000000000000"}), as: who, body: w.doc.body(o)})
			// What only owners may do is refused to guests before it is looked for.
			guestMayNot := strings.HasPrefix(name, "guest") && foreign.status == http.StatusForbidden
			if (foreign.status != http.StatusNotFound && !guestMayNot) || foreign.problem(t).Detail != missing.problem(t).Detail {
				t.Errorf("%s, %s: %d %s", name, o, foreign.status, foreign.body)
			}
		}
	}
	if got, err := w.projects.Get(t.Context(), bob.actor, hidden.ID); err != nil || got != hidden {
		t.Errorf("project is now %+v, %v", got, err)
	}
}
