package web_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/product/account"
)

// call sends what River's pages send.
func (b *browser) call(t *testing.T, method, address, body string, change ...func(*http.Request)) answer {
	t.Helper()
	change = append([]func(*http.Request){func(r *http.Request) {
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Origin", origin)
	}}, change...)
	return b.sendBody(t, method, address, strings.NewReader(body), change...)
}

func TestJobPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	var job int64
	if err := w.db.QueryRow(t.Context(), `INSERT INTO river_job (kind, args, max_attempts) VALUES ('x', '{}', 1) RETURNING id`).Scan(&job); err != nil {
		t.Fatal(err)
	}
	v.exec(t, `INSERT INTO river_queue (name, created_at, metadata, updated_at) VALUES ('default', now(), '{}', now())`)
	ids := `{"ids":["` + strconv.FormatInt(job, 10) + `"]}`

	page := v.get(t, "/admin/jobs/").want(http.StatusOK).says("River")
	policy := page.header.Get("Content-Security-Policy")
	for _, part := range []string{"script-src 'self';", "style-src 'self' 'unsafe-inline';", "connect-src 'self';", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %q lacks %s", policy, part)
		}
	}
	v.call(t, http.MethodGet, "/admin/jobs/api/queues", "").want(http.StatusOK).says(`"default"`)
	v.call(t, http.MethodPut, "/admin/jobs/api/queues/default/pause", "").want(http.StatusOK).says(`"status":"ok"`)
	v.get(t, "/admin/runs").says("The queue default was paused")
	v.call(t, http.MethodPut, "/admin/jobs/api/queues/default/resume", "").want(http.StatusOK)
	v.call(t, http.MethodPut, "/admin/jobs/api/queues/nowhere/pause", "").want(http.StatusNotFound).says(`"message":"There is no such queue.`)
	v.call(t, http.MethodPost, "/admin/jobs/api/jobs/cancel", ids).want(http.StatusOK)
	v.call(t, http.MethodGet, "/admin/jobs/api/jobs/"+strconv.FormatInt(job, 10), "").want(http.StatusOK).says(`"state":"cancelled"`)
	v.call(t, http.MethodPost, "/admin/jobs/api/jobs/retry", ids).want(http.StatusOK)
	v.call(t, http.MethodPost, "/admin/jobs/api/jobs/delete", ids).want(http.StatusOK)
	v.call(t, http.MethodPost, "/admin/jobs/api/jobs/delete", ids).want(http.StatusNotFound).says(`"message":"There is no job`)
	for _, bad := range []string{`{"ids":["x"]}`, `{"ids":[]}`, `{}`} {
		v.call(t, http.MethodPost, "/admin/jobs/api/jobs/retry", bad).want(http.StatusUnprocessableEntity)
	}
	v.call(t, http.MethodPost, "/admin/jobs/api/jobs/retry", "{").want(http.StatusBadRequest)
	// What River's handler would do by itself is not reached.
	v.call(t, http.MethodPatch, "/admin/jobs/api/queues/default", `{"concurrency":null}`).want(http.StatusMethodNotAllowed)
	v.call(t, http.MethodPost, "/admin/jobs/api/jobs/forget", ids).want(http.StatusNotFound)
	// Nor does another site reach it.
	v.call(t, http.MethodPut, "/admin/jobs/api/queues/default/pause", "", func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Content-Type", "text/plain")
	}).want(http.StatusForbidden)
	v.get(t, "/admin/audit").want(http.StatusOK).says("Paused a queue", "Resumed a queue", "queue default", "Cancelled a job", "Tried a job again", "Deleted a job",
		"job "+strconv.FormatInt(job, 10), "Through the queue's own pages.").hushes("nowhere")
	var entries, paused int
	if err := w.db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM audit), (SELECT count(*) FROM river_queue WHERE paused_at IS NOT NULL)`).Scan(&entries, &paused); err != nil {
		t.Fatal(err)
	}
	if entries != 5 || paused != 0 {
		t.Errorf("%d entries, want the 5 of what was done; %d queues are paused, want none", entries, paused)
	}
}

// Nobody but operators learns that these pages are there, or does anything on them.
func TestJobPagesAreForOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	v.exec(t, `INSERT INTO river_queue (name, created_at, metadata, updated_at) VALUES ('default', now(), '{}', now())`)
	for _, role := range []account.Role{account.Owner, account.Viewer} {
		other := v.joins(t, strings.ToTitle(string(role)), account.InvitationDraft{Role: role})
		for _, address := range []string{"/admin/jobs/", "/admin/jobs/queues", "/admin/jobs/api/queues", "/admin/jobs/api/jobs", "/admin/jobs/assets/x.js"} {
			other.get(t, address).want(http.StatusNotFound).hushes("default", "River")
		}
		other.call(t, http.MethodPut, "/admin/jobs/api/queues/default/pause", "").want(http.StatusNotFound)
		other.call(t, http.MethodPost, "/admin/jobs/api/jobs/cancel", `{"ids":["1"]}`).want(http.StatusNotFound)
		other.call(t, http.MethodPatch, "/admin/jobs/api/queues/default", "{}").want(http.StatusNotFound)
	}
	w.browser().get(t, "/admin/jobs/").want(http.StatusSeeOther)
	w.browser().call(t, http.MethodPut, "/admin/jobs/api/queues/default/pause", "").want(http.StatusSeeOther)
	var paused int
	if err := w.db.QueryRow(t.Context(), `SELECT count(*) FROM river_queue WHERE paused_at IS NOT NULL`).Scan(&paused); err != nil || paused != 0 {
		t.Errorf("%d queues are paused, %v", paused, err)
	}
}
