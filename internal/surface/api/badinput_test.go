package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever is sent, the answer is the promised one and nothing is half written.
//
//nolint:tparallel // the cases share a world, and what is in it must not change
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	own := w.project(t, ann)
	projects, this := "/projects", "/projects/"+string(own.ID)
	typed := func(kind string) http.Header { return http.Header{"Content-Type": {kind}} }

	tests := []struct {
		name   string
		send   request
		status int
		code   string
		fields []string
	}{
		{"no body", request{method: "POST", path: projects}, 400, "malformed_json", nil},
		{"not JSON", request{method: "POST", path: projects, body: "idea=x"}, 400, "malformed_json", nil},
		{"cut off", request{method: "POST", path: projects, body: `{"idea":"x"`}, 400, "malformed_json", nil},
		{"more after it", request{method: "POST", path: projects, body: `{"idea":"x"} {"idea":"y"}`}, 400, "malformed_json", nil},
		{"garbage after it", request{method: "POST", path: projects, body: `{"idea":"x"}]`}, 400, "malformed_json", nil},
		{"the same field twice", request{method: "POST", path: projects, body: `{"idea":"x","idea":"y"}`}, 400, "malformed_json", nil},
		{"the same field twice, escaped", request{method: "POST", path: projects, body: `{"idea":"x","\u0069dea":"y"}`}, 400, "malformed_json", nil},
		{"invalid UTF-8", request{method: "POST", path: projects, body: "{\"idea\":\"x\xff\"}"}, 400, "malformed_json", nil},
		{"Latin-1", request{method: "POST", path: projects, body: "{\"idea\":\"caf\xe9\"}"}, 400, "malformed_json", nil},
		{"half a surrogate", request{method: "POST", path: projects, body: `{"idea":"x\ud800"}`}, 400, "malformed_json", nil},
		{"NUL", request{method: "POST", path: projects, body: `{"idea":"x\u0000"}`}, 400, "malformed_json", nil},
		{"NUL in a name", request{method: "POST", path: projects, body: `{"idea":"x","\u0000":1}`}, 400, "malformed_json", nil},
		{"a mark of byte order", request{method: "POST", path: projects, body: "\ufeff{\"idea\":\"x\"}"}, 400, "malformed_json", nil},
		{"very deep", request{method: "POST", path: projects, body: strings.Repeat("[", 100_000)}, 400, "malformed_json", nil},
		{"10 MB", request{method: "POST", path: projects, body: map[string]any{"idea": strings.Repeat("x", 10<<20)}}, 413, "too_large", nil},
		{"10 MB of nothing", request{method: "POST", path: projects, body: bytes.Repeat([]byte{' '}, 10<<20)}, 413, "too_large", nil},
		{"10 MB where no body is read", request{method: "POST", path: this + "/unpark", body: bytes.Repeat([]byte{' '}, 10<<20)}, 413, "too_large", nil},
		{"a form", request{method: "POST", path: projects, body: "idea=x", header: typed("application/x-www-form-urlencoded")}, 415, "unsupported_media_type", nil},
		{"plain text", request{method: "POST", path: projects, body: `{"idea":"x"}`, header: typed("text/plain")}, 415, "unsupported_media_type", nil},
		{"no media type at all", request{method: "POST", path: projects, body: `{"idea":"x"}`, header: typed(";;+")}, 415, "unsupported_media_type", nil},
		{"compressed", request{method: "POST", path: projects, body: "\x1f\x8b", header: http.Header{"Content-Encoding": {"gzip"}}}, 415, "unsupported_media_type", nil},

		{"a list", request{method: "POST", path: projects, body: `[]`}, 422, "invalid", []string{""}},
		{"null", request{method: "POST", path: projects, body: `null`}, 422, "invalid", []string{""}},
		{"a field missing", request{method: "POST", path: projects, body: `{}`}, 422, "invalid", []string{"idea"}},
		{"an unknown field", request{method: "POST", path: projects, body: `{"idea":"x","Owner":"me"}`}, 422, "invalid", []string{"Owner"}},
		{"several unknown fields", request{method: "POST", path: projects, body: `{"idea":"x","b":1,"a":{"c":1}}`}, 422, "invalid", []string{"a", "b"}},
		{"a field in another case", request{method: "POST", path: projects, body: `{"idea":"x","IDEA":"y"}`}, 422, "invalid", []string{"IDEA"}},
		{"only in another case", request{method: "POST", path: projects, body: `{"Idea":"x"}`}, 422, "invalid", []string{"Idea"}},
		{"a number for a text", request{method: "POST", path: projects, body: `{"idea":7}`}, 422, "invalid", []string{"idea"}},
		{"null for a text", request{method: "POST", path: projects, body: `{"idea":null}`}, 422, "invalid", []string{"idea"}},
		{"empty", request{method: "POST", path: projects, body: `{"idea":""}`}, 422, "invalid", []string{"idea"}},
		{"only space", request{method: "POST", path: projects, body: `{"idea":" \n\t "}`}, 422, "invalid", []string{"idea"}},
		{"too many bytes", request{method: "POST", path: projects, body: map[string]any{"idea": strings.Repeat("ä", 50_001)}}, 422, "invalid", []string{"idea"}},
		{"too many characters", request{method: "POST", path: projects, body: map[string]any{"idea": "x", "name": strings.Repeat("n", 81)}}, 422, "invalid", []string{"name"}},
		{"a header in a name", request{method: "POST", path: projects, body: `{"idea":"x","name":"a\r\nSet-Cookie: evil=1"}`}, 422, "invalid", []string{"name"}},
		{"a header in a new name", request{method: "PATCH", path: this, body: `{"name":"a\r\nLocation: //evil.example"}`}, 422, "invalid", []string{"name"}},
		{"a header in a workspace's name", request{method: "PATCH", path: "/workspaces/current", body: `{"name":"a\nb"}`}, 422, "invalid", []string{"name"}},
		{"a header in a key's name", request{method: "POST", path: "/tokens", body: `{"name":"a\r\nb","scope":"read"}`}, 422, "invalid", []string{"name"}},
		{"a header in an address", request{method: "PATCH", path: "/me", body: `{"email":"a@b.example\r\nBcc: c@d.example"}`}, 422, "invalid", []string{"email"}},
		{"not one of the choices", request{method: "POST", path: "/tokens", body: `{"name":"a","scope":"admin"}`}, 422, "invalid", []string{"scope"}},
		{"half a day", request{method: "POST", path: "/tokens", body: `{"name":"a","scope":"read","days":0.5}`}, 422, "invalid", []string{"days"}},
		{"a whole number that is hard to see", request{method: "POST", path: "/tokens", body: `{"name":"a","scope":"read","days":1e1}`}, 422, "invalid", []string{"days"}},
		{"too many days", request{method: "POST", path: "/tokens", body: `{"name":"a","scope":"read","days":1e300}`}, 422, "invalid", []string{"days"}},
		{"a weak password", request{method: "PUT", path: "/me/password", body: `{"current_password":"` + password + `","password":"password"}`}, 422, "invalid", []string{"password"}},
		{"a wrong password", request{method: "PUT", path: "/me/password", body: `{"current_password":"no","password":"new ` + password + `"}`}, 422, "invalid", []string{"current_password"}},

		{"an unknown status", request{method: "GET", path: projects + "?status=gone"}, 422, "invalid", []string{"status"}},
		{"no limit", request{method: "GET", path: projects + "?limit=0"}, 422, "invalid", []string{"limit"}},
		{"a limit that is none", request{method: "GET", path: projects + "?limit=ten"}, 422, "invalid", []string{"limit"}},
		{"too high a limit", request{method: "GET", path: projects + "?limit=101"}, 422, "invalid", []string{"limit"}},
		{"an unknown parameter", request{method: "GET", path: projects + "?page=2"}, 422, "invalid", []string{"page"}},
		{"an invented cursor", request{method: "GET", path: projects + "?cursor=abc"}, 400, "bad_cursor", nil},
		{"an invented cursor of a statement", request{method: "GET", path: "/spending?cursor=abc"}, 400, "bad_cursor", nil},
		{"NUL in a cursor", request{method: "GET", path: projects + "?cursor=%00"}, 400, "bad_address", nil},
		{"invalid UTF-8 in the address", request{method: "GET", path: projects + "/%ff"}, 400, "bad_address", nil},
		{"a line break in the address", request{method: "GET", path: projects + "/a%0d%0aSet-Cookie:x"}, 400, "bad_address", nil},

		{"no such address", request{method: "GET", path: "/companies"}, 404, "not_found", nil},
		{"a slash too many", request{method: "GET", path: projects + "/"}, 404, "not_found", nil},
		{"a method that is not there", request{method: "PUT", path: projects, body: `{}`}, 405, "method_not_allowed", nil},
		{"OPTIONS", request{method: "OPTIONS", path: projects}, 405, "method_not_allowed", nil},
		{"TRACE", request{method: "TRACE", path: projects}, 405, "method_not_allowed", nil},
		{"a deleted key's name as method", request{method: "BREW", path: this}, 405, "method_not_allowed", nil},

		{"an empty idempotency key", request{method: "POST", path: projects, body: `{"idea":"x"}`, header: http.Header{"Idempotency-Key": {""}}}, 422, "invalid", []string{"Idempotency-Key"}},
		{"two idempotency keys", request{method: "POST", path: projects, body: `{"idea":"x"}`, header: http.Header{"Idempotency-Key": {"a", "b"}}}, 422, "invalid", []string{"Idempotency-Key"}},
		{"a long idempotency key", request{method: "POST", path: projects, body: `{"idea":"x"}`, header: http.Header{"Idempotency-Key": {strings.Repeat("k", 256)}}}, 422, "invalid", []string{"Idempotency-Key"}},
		{"an idempotency key that is not ASCII", request{method: "POST", path: projects, body: `{"idea":"x"}`, header: http.Header{"Idempotency-Key": {"ключ"}}}, 422, "invalid", []string{"Idempotency-Key"}},
	}
	before := w.contents(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.send
			r.as = ann
			a := w.send(t, r)
			a.wantProblem(t, tt.status, tt.code, tt.fields...)
			if a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			for name, values := range a.header {
				if strings.Contains(fmt.Sprint(name, values), "evil") {
					t.Errorf("header %s: %v", name, values)
				}
			}
			if diff := cmp.Diff(before, w.contents(t)); diff != "" {
				t.Errorf("something was written (-before +after)\n%s", diff)
			}
		})
	}
}

// A body with thousands of wrong fields does not make an answer as long.
func TestProblemsStaySmall(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	body := map[string]any{"idea": "x"}
	for i := range 5000 {
		body[fmt.Sprintf("%04d%s", i, strings.Repeat("f", 150))] = i
	}
	a := w.send(t, request{method: http.MethodPost, path: "/projects", as: ann, body: body}).want(t, http.StatusUnprocessableEntity)
	if p := a.problem(t); len(p.Fields) != 20 || len(a.body) > 10_000 {
		t.Errorf("%d fields in %d bytes", len(p.Fields), len(a.body))
	}
}

// Text that looks like something else is text, kept and given back as it is.
func TestTextIsText(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	for _, name := range []string{
		`<script>alert(1)</script>`, `'; DROP TABLE project; --`, `{{7*7}}`, `../../etc/passwd`, `%s%n`, `Ünïcödé 狗 🐕`, `null`, `"quoted" \ back`,
	} {
		a := w.send(t, request{method: http.MethodPost, path: "/projects", as: ann, body: map[string]any{"name": name, "idea": name}}).want(t, http.StatusCreated)
		var got struct{ ID, Name, Idea string }
		a.into(t, &got)
		if got.Name != name || got.Idea != name {
			t.Errorf("sent %q, got %q and %q", name, got.Name, got.Idea)
		}
		if want := "/api/v1/projects/" + got.ID; a.header.Get("Location") != want {
			t.Errorf("Location = %q, want %q", a.header.Get("Location"), want)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	for path, status := range map[string]int{"/status": 200, "/projects": 200, "/me": 200, "/openapi.json": 200, "/nothing": 404, "/projects/x": 404} {
		a := w.send(t, request{method: http.MethodHead, path: path, as: ann}).want(t, status)
		if len(a.body) != 0 {
			t.Errorf("%s: %d bytes", path, len(a.body))
		}
	}
}

// A number no computer holds is said in our words, not in Go's.
func TestImpossibleNumberInPlainWords(t *testing.T) {
	t.Parallel()
	w := open(t)
	a := w.send(t, request{method: http.MethodPost, path: "/tokens", as: w.founder(t), body: `{"name":"x","scope":"read","days":1e999}`})
	a.wantProblem(t, http.StatusBadRequest, "malformed_json")
	if detail := a.problem(t).Detail; strings.Contains(detail, "Go ") || !strings.Contains(detail, "a number is too large") {
		t.Errorf("detail = %q", detail)
	}
	if w.log.contains("Go value") {
		t.Error("the log quotes the decoder")
	}
}
