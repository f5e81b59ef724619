package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
)

// work starts a run of the visitor's team.
func (v visitor) work(t *testing.T, change ...func(*flow.NewRun)) flow.RunID {
	t.Helper()
	r := flow.NewRun{
		Kind: "build", Workspace: string(v.actor.Workspace), Starter: string(v.actor.User),
		First: flow.Next{Name: "architect"}, Input: "a secret idea",
	}
	for _, c := range change {
		c(&r)
	}
	run, err := v.flow.StartRun(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// fails makes a run one that failed in its only node, after a paid step and a free one.
func (w *world) fails(t *testing.T, run flow.RunID) flow.NodeID {
	t.Helper()
	var node flow.NodeID
	if err := w.db.QueryRow(t.Context(), `
		UPDATE node SET state = 'failed', epoch = 1, failures = 3, error = 'disk <full>', finished_at = now() WHERE run_id = $1 RETURNING id`, run).Scan(&node); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`UPDATE run SET state = 'failed', reason = 'internal', started_at = now(), finished_at = now() WHERE id = $1`,
		`INSERT INTO attempt (node_id, epoch, worker) SELECT id, 1, 'box-1' FROM node WHERE run_id = $1`,
		`INSERT INTO step (node_id, key, epoch, output, took, at) SELECT id, 'turn/1', 1, '"a secret plan"', '2 seconds', now() FROM node WHERE run_id = $1`,
		`INSERT INTO step (node_id, key, epoch, output, took, at) SELECT id, 'tool/1', 1, '1', '3 ms', now() + interval '1 second' FROM node WHERE run_id = $1`,
		`INSERT INTO ledger (id, kind, at, reserved_at, workspace_id, project_id, starter_id, run, node, epoch, step, attempt, role, payer, endpoint, model,
			state, input, output, rates_from, input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate, nano, weighed, day, budgets, sinces)
		SELECT 'led_' || r.id, 'call', now(), now(), r.workspace_id, '', r.starter_id, r.id, n.id, 1, 'turn/1', 1, 'architect', 'own_key', 'test', 'claude-opus-5-5',
			'settled', 12345, 678, current_date, 1, 1, 1, 1, 1, 230000000, 1, current_date, '{}', '{}' FROM run r JOIN node n ON n.run_id = r.id WHERE r.id = $1`,
	} {
		if _, err := w.db.Exec(t.Context(), sql, run); err != nil {
			t.Fatal(err)
		}
	}
	return node
}

// runPages visits the pages about runs in the states that look different.
func runPages(t *testing.T, v visitor, pages map[string]answer) {
	t.Helper()
	pages["runs, none"] = v.get(t, "/admin/runs")
	pages["audit, none"] = v.get(t, "/admin/audit")
	run := v.work(t)
	v.exec(t, `INSERT INTO river_queue (name, created_at, metadata, paused_at, updated_at) VALUES ('default', now(), '{}', now(), now()) ON CONFLICT (name) DO UPDATE SET paused_at = now()`)
	v.exec(t, `INSERT INTO worker (id, instance, slots, handlers) VALUES ('box-1', 'i', 4, '{}')`)
	pages["runs"] = v.get(t, "/admin/runs?state=queued&team="+string(v.actor.Workspace))
	pages["run, queued"] = v.get(t, "/admin/runs/"+string(run))
	node := v.fails(t, run)
	pages["run, failed"] = v.get(t, "/admin/runs/"+string(run))
	pages["replay refused"] = v.post(t, "/admin/runs/"+string(run)+"/nodes/"+string(node)+"/replay", form("keep", "none", "reason", "to see"))
	pages["run, retried"] = v.follow(t, v.post(t, "/admin/runs/"+string(run)+"/retry", form("reason", "to see")))
	pages["end refused"] = v.post(t, "/admin/runs/"+string(run)+"/end", form("reason", ""))
	pages["run, ended"] = v.follow(t, v.post(t, "/admin/runs/"+string(run)+"/end", form("reason", "enough")))
	pages["audit"] = v.get(t, "/admin/audit")
}

func TestRunsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	v.get(t, "/admin/runs").want(http.StatusOK).says("None yet.", "No process is working")
	queued, waiting := v.work(t), v.work(t, func(r *flow.NewRun) { r.Kind, r.NotBefore = "write_brief", time.Now().Add(time.Hour) })
	v.get(t, "/admin/runs").want(http.StatusOK).says(string(queued), string(waiting), "in line", "waits", "1, the first for")
	for address, both := range map[string][2]flow.RunID{
		"?state=queued":     {queued, waiting},
		"?state=waiting":    {waiting, queued},
		"?kind=write_brief": {waiting, queued},
		"?team=" + string(v.actor.Workspace) + "&kind=build": {queued, waiting},
	} {
		v.get(t, "/admin/runs"+address).want(http.StatusOK).says(string(both[0])).hushes(string(both[1]))
	}
	v.get(t, "/admin/runs?team=wsp_other").want(http.StatusOK).says("None that is like this.")
	v.get(t, "/admin/runs?state=odd").want(http.StatusUnprocessableEntity)
	v.get(t, "/admin/runs?after=odd").want(http.StatusBadRequest)
	v.exec(t, `INSERT INTO river_queue (name, created_at, metadata, paused_at, updated_at) VALUES ('default', now(), '{}', now(), now()) ON CONFLICT (name) DO UPDATE SET paused_at = now()`)
	v.exec(t, `INSERT INTO river_job (kind, args, max_attempts, scheduled_at) VALUES ('x', '{}', 1, now() - interval '3 hours')`)
	v.get(t, "/admin/runs").says("The queue default was paused", "for 3 h 0 min")
}

func TestRunPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	run := v.work(t)
	node := w.fails(t, run)
	at := "/admin/runs/" + string(run)
	v.get(t, at).want(http.StatusOK).says("failed", "disk <full>", "12 345", "678", "$0.23", "box-1", "turn/1", "2.0 s", "3 ms", "Try again", "Replay this node").
		hushes("a secret idea", "a secret plan", "End this run")
	// Each action asks why, and says what is wrong where it was asked.
	v.post(t, at+"/retry", form("reason", "")).want(http.StatusUnprocessableEntity).says("Say why, in a few words")
	v.post(t, at+"/nodes/"+string(node)+"/replay", form("keep", "none", "reason", "to see")).want(http.StatusUnprocessableEntity).says("would be paid for again")
	v.get(t, at).says("failed")
	v.follow(t, v.post(t, at+"/nodes/"+string(node)+"/replay", form("keep", "paid", "reason", "The disk is bigger"))).want(http.StatusOK).
		says("in line", "turn/1", "The disk is bigger", "steps after the last paid one forgotten").hushes("tool/1")
	v.follow(t, v.post(t, at+"/end", form("reason", "Enough"))).want(http.StatusOK).says("ended", "administrator", "Enough").hushes("Replay this node", "End this run")
	v.post(t, at+"/end", form("reason", "Enough")).want(http.StatusConflict).says("over already")
	v.get(t, "/admin/audit").want(http.StatusOK).says("Ended the run", "Replayed a node", "The disk is bigger", string(run))
	v.get(t, "/admin/runs/run_odd").want(http.StatusNotFound)
	v.post(t, at+"/nodes/odd/replay", form("keep", "all", "reason", "to see")).want(http.StatusNotFound)
}

// Nobody but operators learns that these pages are there.
func TestRunsAreForOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	run := v.work(t)
	at := "/admin/runs/" + string(run)
	for _, role := range []account.Role{account.Owner, account.Member, account.Viewer} {
		other := v.joins(t, strings.ToTitle(string(role)), account.InvitationDraft{Role: role})
		for _, address := range []string{"/admin/runs", at, "/admin/audit"} {
			other.get(t, address).want(http.StatusNotFound).hushes(string(run))
		}
		for _, address := range []string{at + "/end", at + "/retry", at + "/nodes/nod_01kav5zsk3q8t2m4x7n9p6r0wd/replay"} {
			other.post(t, address, form("reason", "because", "keep", "all")).want(http.StatusNotFound)
		}
		if strings.Contains(other.get(t, "/").body, "/admin/") {
			t.Errorf("%s is shown the way there", role)
		}
	}
	w.browser().get(t, at).want(http.StatusSeeOther)
	if s, err := w.flow.StoryOfAny(t.Context(), run); err != nil || s.Run.State != flow.Queued {
		t.Errorf("the run is %s, %v", s.Run.State, err)
	}
}
