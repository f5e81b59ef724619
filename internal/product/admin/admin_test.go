package admin_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/flow"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"

	"github.com/google/go-cmp/cmp"
)

func (w *world) node(run flow.RunID) flow.NodeID {
	w.t.Helper()
	d, err := w.Run(w.t.Context(), w.boss, run)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Story.Chapters[0].Node
}

func TestOnlyOperators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.start(flow.Failed)
	node := w.node(run)
	ctx := t.Context()
	strangers := map[string]account.Actor{"nobody": {}, "owner": w.owner}
	for _, role := range []account.Role{account.Member, account.Viewer} {
		a := w.owner
		a.Role = role
		strangers[string(role)] = a
	}
	token := w.owner
	token.Session, token.Token = "", "tok_1"
	strangers["access key"] = token
	for who, a := range strangers {
		for what, do := range map[string]func() error{
			"runs":      func() error { _, err := w.Runs(ctx, a, admin.Query{}); return err },
			"run":       func() error { _, err := w.Run(ctx, a, run); return err },
			"kinds":     func() error { _, err := w.Kinds(ctx, a); return err },
			"condition": func() error { _, err := w.Condition(ctx, a); return err },
			"audit":     func() error { _, err := w.Audit(ctx, a, ""); return err },
			"end":       func() error { return w.End(ctx, a, run, "because") },
			"retry":     func() error { return w.Retry(ctx, a, run, "because") },
			"replay":    func() error { return w.Replay(ctx, a, run, admin.Replay{Node: node, Keep: admin.KeepAll}, "because") },
		} {
			if err := do(); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s, %s: %v, want Forbidden", who, what, err)
			}
		}
	}
	if n := w.count(`SELECT count(*) FROM audit`); n != 0 {
		t.Errorf("%d audit entries of what was refused", n)
	}
	w.await(run, flow.Failed)
}

func TestRunShowsWhatItCostAndNoWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := w.start(flow.Failed)
	w.exec(`INSERT INTO run_message (id, run_id, author_id, body) VALUES ('msg_1', $1, $2, to_json($3::text))`, run, ownerUser, secret)
	d, err := w.Run(t.Context(), w.boss, run)
	if err != nil {
		t.Fatal(err)
	}
	if d.Run.Team != "Dogs" || d.Run.StarterName != "Mara" || d.Run.Reason != "broken" {
		t.Errorf("run %+v", d.Run)
	}
	cost := d.Nodes[d.Story.Chapters[0].Node]
	if want := (admin.Cost{Calls: 1, Input: 100_000, Output: 1_000, Spent: d.Total.Cost}); cost != want || cost.Spent == 0 {
		t.Errorf("the node cost %+v, want %+v", cost, want)
	}
	if len(d.Models) != 1 || d.Models[0].Key != "claude-sonnet-5-5" || d.Models[0].Calls != 1 {
		t.Errorf("models %+v", d.Models)
	}
	if got := d.Story.Chapters[0]; len(got.Attempts) != 1 || len(got.Steps) != 2 || got.Attempts[0].Worker != w.flow.Worker() {
		t.Errorf("chapter %+v", got)
	}
	w.mended.Store(true)
	done, err := w.Run(t.Context(), w.boss, w.start(flow.Finished))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Story.Messages) != 1 || done.Story.Nodes != 2 {
		t.Errorf("%d messages, %d nodes; want 1 and 2", len(d.Story.Messages), done.Story.Nodes)
	}
	for state, d := range map[string]admin.Detail{"failed": d, "done": done} {
		all, err := json.Marshal(d)
		if err != nil || bytes.Contains(all, []byte(secret)) {
			t.Errorf("%s: what was said is handed on, %v: %s", state, err, all)
		}
	}
	if _, err := w.Run(t.Context(), w.boss, "run_nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("no such run: %v", err)
	}
}

func TestRunsByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const all = 53
	for range all {
		w.start(flow.Waiting, later)
	}
	failed := w.start(flow.Failed)
	var seen []flow.RunID
	for after, pages := "", 0; pages == 0 || after != ""; pages++ {
		page, err := w.Runs(t.Context(), w.boss, admin.Query{State: flow.Waiting, Team: team, Kind: "test", After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Runs {
			if len(seen) > 0 && r.ID >= seen[len(seen)-1] {
				t.Errorf("%s comes after %s", r.ID, seen[len(seen)-1])
			}
			if r.Team != "Dogs" || string(r.Input) != "null" {
				t.Errorf("run %+v", r)
			}
			seen = append(seen, r.ID)
		}
		after = page.Next
	}
	if len(seen) != all {
		t.Errorf("%d runs, want %d", len(seen), all)
	}
	page, err := w.Runs(t.Context(), w.boss, admin.Query{State: flow.Failed})
	if err != nil || len(page.Runs) != 1 || page.Runs[0].ID != failed || page.Next != "" {
		t.Errorf("failed runs: %+v, %v", page, err)
	}
	for name, tt := range map[string]struct {
		q    admin.Query
		want fault.Kind
	}{
		"another state":  {admin.Query{State: "open"}, fault.Invalid},
		"another cursor": {admin.Query{After: "run_1"}, fault.Malformed},
	} {
		if _, err := w.Runs(t.Context(), w.boss, tt.q); !fault.Is(err, tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestActionsAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	waiting, failed := w.start(flow.Waiting, later), w.start(flow.Failed)
	if err := w.End(ctx, w.boss, waiting, " It would never end. "); err != nil {
		t.Fatal(err)
	}
	w.await(waiting, flow.Ended)
	w.mended.Store(true)
	if err := w.Retry(ctx, w.boss, failed, "The disk is bigger now"); err != nil {
		t.Fatal(err)
	}
	w.await(failed, flow.Finished)
	if n := w.count(`SELECT count(*) FROM ledger`); n != 1 {
		t.Errorf("%d calls in the ledger, want 1", n)
	}
	page, err := w.Audit(ctx, w.boss, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Entries {
		got = append(got, strings.Join([]string{e.Who, string(e.Action), e.Subject, e.Team, e.Reason}, "|"))
	}
	want := []string{"Olga|run.retry|" + string(failed) + "|Dogs|The disk is bigger now", "Olga|run.end|" + string(waiting) + "|Dogs|It would never end."}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	d, err := w.Run(ctx, w.boss, waiting)
	if err != nil || len(d.Audit) != 1 || d.Run.Reason != admin.ByAdministrator || strings.Contains(d.Run.Detail, "never") {
		t.Errorf("the ended run: %+v, %v", d.Run, err)
	}
	for name, tt := range map[string]struct {
		do   func() error
		want fault.Kind
	}{
		"without a reason":     {func() error { return w.End(ctx, w.boss, failed, "  ") }, fault.Invalid},
		"with a long one":      {func() error { return w.End(ctx, w.boss, failed, strings.Repeat("ü", 501)) }, fault.Invalid},
		"what is over":         {func() error { return w.End(ctx, w.boss, waiting, "again") }, fault.Conflict},
		"retry what is over":   {func() error { return w.Retry(ctx, w.boss, waiting, "again") }, fault.Conflict},
		"a run of nobody":      {func() error { return w.Retry(ctx, w.boss, "run_nobody", "again") }, fault.NotFound},
		"another cursor":       {func() error { _, err := w.Audit(ctx, w.boss, "1"); return err }, fault.Malformed},
		"no choice of a steps": {func() error { return w.Replay(ctx, w.boss, failed, admin.Replay{}, "again") }, fault.Invalid},
	} {
		if err := tt.do(); !fault.Is(err, tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if n := w.count(`SELECT count(*) FROM audit`); n != 2 {
		t.Errorf("%d audit entries, want the 2 of what was done", n)
	}
	for _, sql := range []string{"UPDATE audit SET reason = 'another'", "DELETE FROM audit", "TRUNCATE audit"} {
		if _, err := w.db.Exec(ctx, sql); err == nil {
			t.Errorf("%s is possible", sql)
		}
	}
}

// What was paid for is paid again only for who says so in words.
func TestReplayAndMoney(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		how          admin.Replay
		calls, tools int
	}{
		"all kept":      {admin.Replay{Keep: admin.KeepAll}, 1, 1},
		"paid kept":     {admin.Replay{Keep: admin.KeepPaid}, 1, 2},
		"all forgotten": {admin.Replay{Keep: admin.KeepNone, Words: " Pay again "}, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			run := w.start(flow.Failed)
			tt.how.Node = w.node(run)
			w.mended.Store(true)
			if tt.how.Keep == admin.KeepNone {
				silent := tt.how
				silent.Words = ""
				if err := w.Replay(t.Context(), w.boss, run, silent, "to see"); !fault.Is(err, fault.Invalid) {
					t.Errorf("without the words: %v, want Invalid", err)
				}
				w.await(run, flow.Failed)
			}
			if err := w.Replay(t.Context(), w.boss, run, tt.how, "to see"); err != nil {
				t.Fatal(err)
			}
			w.await(run, flow.Finished)
			if n := w.count(`SELECT count(*) FROM ledger`); n != tt.calls {
				t.Errorf("%d calls were paid, want %d", n, tt.calls)
			}
			if n := int(w.tools.Load()); n != tt.tools {
				t.Errorf("the tool was used %d times, want %d", n, tt.tools)
			}
			if n := w.count(`SELECT count(*) FROM audit WHERE action = 'node.replay' AND part = $1 AND note <> ''`, tt.how.Node); n != 1 {
				t.Errorf("%d audit entries, want 1", n)
			}
		})
	}
}
