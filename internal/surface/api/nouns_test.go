package api_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
)

// the parts of answers these tests read.
type (
	thing struct {
		ID, Name, Status, Idea, Secret, Code, Email, Role, User string

		ParkNote  string     `json:"park_note"`
		DeletedAt *time.Time `json:"deleted_at"`
		Current   bool
	}
	things struct {
		Items []thing
		Next  *string
	}
)

// as returns a function that sends as somebody, wants a status and reads the answer.
func (w *world) as(t *testing.T, who any) func(method, path string, body any, status int) thing {
	t.Helper()
	return func(method, path string, body any, status int) thing {
		t.Helper()
		a := w.send(t, request{method: method, path: path, as: who, body: body}).want(t, status)
		var got thing
		if len(a.body) > 0 && status < http.StatusBadRequest {
			a.into(t, &got)
		}
		return got
	}
}

func (w *world) list(t *testing.T, who any, path string) things {
	t.Helper()
	var got things
	w.send(t, request{method: http.MethodGet, path: path, as: who}).want(t, http.StatusOK).into(t, &got)
	return got
}

type fields map[string]any

func TestProjectsLife(t *testing.T) {
	t.Parallel()
	w := open(t)
	owner := w.founder(t)
	do, can := w.as(t, owner), w.as(t, w.joins(t, owner, account.Member))

	made := do("POST", "/projects", fields{"idea": "Rota for a bakery.\nSix people."}, http.StatusCreated)
	if made.Name != "Rota for a bakery" || made.Status != "active" || made.Idea != "Rota for a bakery.\nSix people." {
		t.Errorf("made %+v", made)
	}
	path := "/projects/" + made.ID
	if got := do("GET", path, nil, http.StatusOK); got != made {
		t.Errorf("got %+v, want %+v", got, made)
	}
	if got := can("PATCH", path, fields{"name": "Bread"}, http.StatusOK); got.Name != "Bread" {
		t.Errorf("renamed %+v", got)
	}
	if got := can("POST", path+"/park", fields{"note": "After Christmas"}, http.StatusOK); got.Status != "parked" || got.ParkNote != "After Christmas" {
		t.Errorf("parked %+v", got)
	}
	if got := can("POST", path+"/park", nil, http.StatusOK); got.Status != "parked" {
		t.Errorf("parked again, without a body: %+v", got)
	}
	if got := can("POST", path+"/unpark", nil, http.StatusOK); got.Status != "active" || got.ParkNote != "" {
		t.Errorf("unparked %+v", got)
	}
	can("DELETE", path, nil, http.StatusForbidden)
	if got := do("DELETE", path, nil, http.StatusOK); got.Status != "deleted" || got.DeletedAt == nil {
		t.Errorf("deleted %+v", got)
	}
	if got := w.list(t, owner, "/projects"); len(got.Items) != 0 {
		t.Errorf("a deleted project is listed: %+v", got)
	}
	if got := w.list(t, owner, "/projects?status=deleted"); len(got.Items) != 1 || got.Items[0].ID != made.ID {
		t.Errorf("deleted projects: %+v", got)
	}
	do("POST", path+"/park", nil, http.StatusConflict)
	can("POST", path+"/restore", nil, http.StatusForbidden)
	if got := do("POST", path+"/restore", nil, http.StatusOK); got.Status != "active" || got.DeletedAt != nil {
		t.Errorf("restored %+v", got)
	}
}

func TestProjectsByPage(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	var want []string
	for range 7 {
		w.clock.Advance(time.Second)
		want = append([]string{string(w.project(t, ann).ID)}, want...)
	}
	for _, limit := range []int{1, 3, 7, 100} {
		var got []string
		path := "/projects?limit=" + strconv.Itoa(limit)
		for next := path; next != ""; {
			p := w.list(t, ann, next)
			if len(p.Items) > limit {
				t.Errorf("limit %d: %d items", limit, len(p.Items))
			}
			for _, item := range p.Items {
				got = append(got, item.ID)
			}
			next = ""
			if p.Next != nil {
				next = path + "&cursor=" + *p.Next
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got)\n%s", limit, diff)
		}
	}
	if got := w.list(t, ann, "/projects?status=parked"); len(got.Items) != 0 || got.Next != nil {
		t.Errorf("parked: %+v", got)
	}
}

// In an empty account every list is [] and never null; check looks at each answer.
func TestEmptyListsAreLists(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	for _, o := range w.doc.operations() {
		if o.writes() || len(o.pathParameters()) > 0 || o.operators() {
			continue
		}
		w.send(t, request{method: o.method, path: o.path, as: ann}).want(t, http.StatusOK)
	}
	for _, path := range []string{"/projects", "/tokens", "/passkeys", "/invitations"} {
		if got := string(w.send(t, request{method: "GET", path: path, as: ann}).body); got != "{\"items\":[],\"next\":null}\n" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestKeysLife(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	do := w.as(t, ann)
	made := do("POST", "/tokens", fields{"name": "CI", "scope": "write", "days": 1}, http.StatusCreated)
	asKey := w.as(t, made.Secret)
	asKey("POST", "/projects", fields{"idea": "From a program"}, http.StatusCreated)
	if got := asKey("GET", "/me", nil, http.StatusOK); got.ID != string(ann.actor.User) || got.Role != "owner" {
		t.Errorf("me = %+v", got)
	}
	listed := w.list(t, ann, "/tokens")
	if len(listed.Items) != 1 || listed.Items[0].ID != made.ID || listed.Items[0].Secret != "" {
		t.Errorf("listed %+v", listed)
	}
	do("DELETE", "/tokens/"+made.ID, nil, http.StatusNoContent)
	asKey("GET", "/me", nil, http.StatusUnauthorized)
	do("DELETE", "/tokens/"+made.ID, nil, http.StatusNotFound)
}

func TestSessionsLife(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	do := w.as(t, ann)
	second := w.things()["session"](t, ann)
	third := w.things()["session"](t, ann)
	listed := w.list(t, ann, "/sessions")
	current := 0
	for _, s := range listed.Items {
		if s.Current {
			current++
			if s.ID != string(ann.actor.Session) {
				t.Errorf("%s is said to be the present session", s.ID)
			}
		}
	}
	if len(listed.Items) != 3 || current != 1 {
		t.Errorf("%d sessions, %d present", len(listed.Items), current)
	}
	do("DELETE", "/sessions/"+second, nil, http.StatusNoContent)
	a := w.send(t, request{method: "POST", path: "/sessions/revoke-others", as: ann}).want(t, http.StatusOK)
	if string(a.body) != "{\"revoked\":1}\n" {
		t.Errorf("revoked: %s", a.body)
	}
	do("DELETE", "/sessions/"+third, nil, http.StatusNotFound)
	do("DELETE", "/sessions/"+string(ann.actor.Session), nil, http.StatusNoContent)
	do("GET", "/me", nil, http.StatusUnauthorized)
}

func TestMeLife(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	do := w.as(t, ann)
	before := do("GET", "/me", nil, http.StatusOK)
	if got := do("PATCH", "/me", fields{"name": "Ann"}, http.StatusOK); got.Name != "Ann" || got.Email != before.Email {
		t.Errorf("renamed %+v", got)
	}
	do("PATCH", "/me", fields{"email": "ann@example.org"}, http.StatusUnprocessableEntity)
	if got := do("PATCH", "/me", fields{"email": "ann@example.org", "current_password": password}, http.StatusOK); got.Email != "ann@example.org" || got.Name != "Ann" {
		t.Errorf("moved %+v", got)
	}
	other := w.founder(t)
	do("PATCH", "/me", fields{"email": other.session.User.Email, "current_password": password}, http.StatusUnprocessableEntity)
	do("PUT", "/me/password", fields{"current_password": password, "password": "new " + password}, http.StatusNoContent)
	if _, _, err := w.accounts.SignIn(t.Context(), "ann@example.org", "new "+password, account.Device{}); err != nil {
		t.Errorf("sign in with the new password: %v", err)
	}
	a := w.send(t, request{method: "GET", path: "/me/export", as: ann}).want(t, http.StatusOK)
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="cofounder-account.json"` {
		t.Errorf("Content-Disposition = %q", got)
	}
	var export account.Export
	a.into(t, &export)
	if export.User.Email != "ann@example.org" || len(export.Workspaces) != 1 {
		t.Errorf("export = %+v", export)
	}
}

func TestTeamsLife(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	do := w.as(t, ann)
	do("PATCH", "/workspaces/current", fields{"name": "Bakers"}, http.StatusOK)
	if got := do("GET", "/workspaces/current", nil, http.StatusOK); got.Name != "Bakers" || got.Role != "owner" {
		t.Errorf("workspace = %+v", got)
	}
	invited := do("POST", "/invitations", fields{"role": "member"}, http.StatusCreated)
	if got := w.list(t, ann, "/invitations"); len(got.Items) != 1 || got.Items[0].ID != invited.ID || got.Items[0].Code != "" {
		t.Errorf("invitations = %+v", got)
	}
	c, d := w.credentials()
	_, joined, err := w.accounts.SignUpInvited(t.Context(), invited.Code, c, d)
	if err != nil {
		t.Fatal(err)
	}
	path := "/members/" + string(joined.User.ID)
	do("PATCH", path, fields{"role": "viewer"}, http.StatusNoContent)
	members := w.list(t, ann, "/members")
	if len(members.Items) != 2 || members.Items[1].User != string(joined.User.ID) || members.Items[1].Role != "viewer" {
		t.Errorf("members = %+v", members)
	}
	do("DELETE", path, nil, http.StatusNoContent)
	do("DELETE", path, nil, http.StatusNotFound)
	last := w.send(t, request{method: "DELETE", path: "/members/" + string(ann.actor.User), as: ann})
	last.wantProblem(t, http.StatusConflict, "last_owner")

	again := do("POST", "/invitations", fields{"role": "viewer"}, http.StatusCreated)
	do("DELETE", "/invitations/"+again.ID, nil, http.StatusNoContent)

	second := do("POST", "/workspaces", fields{"name": "Cooks"}, http.StatusCreated)
	if got := w.list(t, ann, "/workspaces"); len(got.Items) != 2 || got.Items[1].ID != second.ID {
		t.Errorf("workspaces = %+v", got)
	}
	if _, err := w.accounts.PeekInvitation(t.Context(), again.Code); err == nil {
		t.Error("a withdrawn invitation still works")
	}
}

func TestPasskeysLife(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	key := w.passkey(t, ann)
	if got := w.list(t, ann, "/passkeys"); len(got.Items) != 1 || got.Items[0].ID != key || got.Items[0].Name != "Phone" {
		t.Errorf("passkeys = %+v", got)
	}
	w.as(t, ann)("DELETE", "/passkeys/"+key, nil, http.StatusNoContent)
	if got := w.list(t, ann, "/passkeys"); len(got.Items) != 0 {
		t.Errorf("passkeys = %+v", got)
	}
}

func TestStatusTellsTheVersion(t *testing.T) {
	t.Parallel()
	w := open(t)
	if got := string(w.send(t, request{method: "GET", path: "/status"}).body); got != "{\"version\":\"0.0.0-test\"}\n" {
		t.Errorf("status = %s", got)
	}
}
