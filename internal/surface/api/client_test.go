package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cofounder/internal/surface/httpd"
)

// request is what a client sends. Body is bytes as they are, or a value for JSON.
type request struct {
	method, path string
	as           any // nil, a person (cookie) or a string (access key)
	body         any
	header       http.Header
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends r and checks what holds for every answer.
func (w *world) send(t *testing.T, r request) answer {
	t.Helper()
	a, err := w.exchange(t.Context(), r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	w.check(t, r, a)
	return a
}

func (w *world) exchange(ctx context.Context, r request) (answer, error) {
	var body io.Reader
	switch b := r.body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	case string:
		body = strings.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, w.base+r.path, body)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch who := r.as.(type) {
	case person:
		req.AddCookie(&http.Cookie{Name: httpd.SessionCookie, Value: who.cookie})
	case string:
		req.Header.Set("Authorization", "Bearer "+who)
	}
	maps.Copy(req.Header, r.header)
	res, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	var got []byte
	if res.Header.Get("Content-Type") == "text/event-stream" { // it has no end
		got, err = bufio.NewReader(res.Body).ReadBytes('\n')
	} else {
		got, err = io.ReadAll(res.Body)
	}
	return answer{status: res.StatusCode, header: res.Header, body: got}, err
}

// check holds an answer to what the API promises.
func (w *world) check(t *testing.T, r request, a answer) {
	t.Helper()
	name := r.method + " " + r.path
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no request id", name)
	}
	if a.status >= http.StatusInternalServerError {
		t.Errorf("%s: status %d: %s", name, a.status, a.body)
	}
	if w.doc != nil {
		w.doc.conforms(t, r, a)
	}
	if a.status >= http.StatusBadRequest {
		w.checkProblem(t, name, r, a)
	}
}

func (w *world) checkProblem(t *testing.T, name string, r request, a answer) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: %d with Content-Type %q", name, a.status, got)
	}
	if r.method == http.MethodHead {
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(a.body, &members); err != nil {
		t.Errorf("%s: problem %q: %v", name, a.body, err)
		return
	}
	want := []string{"code", "debug_id", "detail", "fields", "status", "title", "type"}
	got := make([]string, 0, len(members))
	for member := range members {
		got = append(got, member)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%s: problem has %v, want %v", name, got, want)
	}
	p := a.problem(t)
	if p.Status != a.status || p.Type != "about:blank" || p.Title == "" || p.Code == "" || p.Detail == "" || string(members["fields"]) == "null" {
		t.Errorf("%s: problem %s", name, a.body)
	}
	if !w.log.contains("debug_id=" + p.DebugID) {
		t.Errorf("%s: debug id %s finds no log line", name, p.DebugID)
	}
	if (a.status == http.StatusUnauthorized) != (a.header.Get("WWW-Authenticate") != "") {
		t.Errorf("%s: %d with WWW-Authenticate %q", name, a.status, a.header.Get("WWW-Authenticate"))
	}
	if a.status == http.StatusTooManyRequests && a.header.Get("Retry-After") == "" {
		t.Errorf("%s: %d without Retry-After", name, a.status)
	}
}

func (a answer) problem(t *testing.T) httpd.Problem {
	t.Helper()
	var p httpd.Problem
	a.into(t, &p)
	return p
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
}

// want fails the test unless the answer has this status.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status = %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// wantProblem fails the test unless the answer is this problem, about these fields.
func (a answer) wantProblem(t *testing.T, status int, code string, fields ...string) {
	t.Helper()
	p := a.want(t, status).problem(t)
	var got []string
	for _, f := range p.Fields {
		got = append(got, f.Name)
	}
	if p.Code != code || !slices.Equal(got, fields) {
		t.Errorf("problem = %s %v, want %s %v: %s", p.Code, got, code, fields, a.body)
	}
}
