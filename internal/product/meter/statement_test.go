package meter_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	other := w.confirmed(t, meter.DefaultLimits())
	call := func(actor account.Actor, run string, role meter.Role, model string) {
		c := w.charge(actor, run)
		c.Project, c.Role = project.ID("prj_"+run), role
		if run == "probe" {
			c.Project = ""
		}
		r := w.reserve(t, c, w.call(t, model))
		o := answered(1000, 100)
		o.Model = model
		if err := r.Answered(o).Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	call(a, "one", meter.Coder, sonnet)     // $0.003
	call(a, "one", meter.Architect, opus)   // $0.006
	call(a, "probe", meter.Prober, haiku)   // $0.00015
	w.clock.Advance(24 * time.Hour)         // the 4th
	call(a, "two", meter.Coder, sonnet)     // $0.003
	call(other, "one", meter.Coder, sonnet) // another team's
	const sonnetCall, opusCall, haikuCall = 3_000_000, 6_000_000, 150_000
	tests := []struct {
		by     meter.By
		filter meter.Filter
		want   map[string]meter.NanoUSD
	}{
		{meter.ByDay, meter.Filter{}, map[string]meter.NanoUSD{"2026-12-03": sonnetCall + opusCall + haikuCall, "2026-12-04": sonnetCall}},
		{meter.ByProject, meter.Filter{}, map[string]meter.NanoUSD{"": haikuCall, "prj_one": sonnetCall + opusCall, "prj_two": sonnetCall}},
		{meter.ByRun, meter.Filter{}, map[string]meter.NanoUSD{"probe": haikuCall, "one": sonnetCall + opusCall, "two": sonnetCall}},
		{meter.ByModel, meter.Filter{}, map[string]meter.NanoUSD{haiku: haikuCall, sonnet: 2 * sonnetCall, opus: opusCall}},
		{meter.ByRole, meter.Filter{}, map[string]meter.NanoUSD{"prober": haikuCall, "coder": 2 * sonnetCall, "architect": opusCall}},
		{meter.ByUser, meter.Filter{}, map[string]meter.NanoUSD{string(a.User): haikuCall + 2*sonnetCall + opusCall}},
		{meter.ByModel, meter.Filter{Run: "one"}, map[string]meter.NanoUSD{sonnet: sonnetCall, opus: opusCall}},
		{meter.ByModel, meter.Filter{Project: "prj_two"}, map[string]meter.NanoUSD{sonnet: sonnetCall}},
		{meter.ByDay, meter.Filter{From: w.clock.Now()}, map[string]meter.NanoUSD{"2026-12-04": sonnetCall}},
		{meter.ByDay, meter.Filter{To: w.clock.Now().AddDate(0, 0, -1)}, map[string]meter.NanoUSD{"2026-12-03": sonnetCall + opusCall + haikuCall}},
		{meter.ByDay, meter.Filter{From: w.clock.Now().AddDate(0, 0, 1)}, map[string]meter.NanoUSD{}},
	}
	for _, tt := range tests {
		s, err := w.Statement(t.Context(), a, tt.filter, tt.by)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]meter.NanoUSD{}
		var total meter.NanoUSD
		for _, l := range s.Lines {
			got[l.Key] = l.Cost
			total += l.Cost
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || total != s.Total.Cost {
			t.Errorf("by %s of %+v: total %s (-want +got):\n%s", tt.by, tt.filter, s.Total.Cost, diff)
		}
	}
	if _, err := w.Statement(t.Context(), a, meter.Filter{}, "weather"); !fault.Is(err, fault.Invalid) {
		t.Errorf("by weather: %v", err)
	}
	if _, err := w.Statement(t.Context(), account.Actor{}, meter.Filter{}, meter.ByDay); !fault.Is(err, fault.Forbidden) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := w.StatementOfAll(t.Context(), a, meter.Filter{}, meter.ByDay); !fault.Is(err, fault.Forbidden) {
		t.Errorf("all teams for an owner: %v", err)
	}
	all, err := w.StatementOfAll(t.Context(), account.Actor{User: "usr_op", Operator: true}, meter.Filter{}, meter.ByUser)
	if err != nil || len(all.Lines) != 2 || all.Total.Cost != 3*sonnetCall+opusCall+haikuCall {
		t.Errorf("all teams for the operator: %+v, %v", all, err)
	}
}

// TestStatementOfSomebodyRestricted: who was invited to single projects sees what
// those cost.
func TestStatementOfSomebodyRestricted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	guest := account.Actor{User: "usr_guest", Workspace: a.Workspace, Role: account.Member, Scope: account.ScopeWrite, Restricted: true}
	for _, run := range []string{"one", "two"} {
		c := w.charge(a, run)
		c.Project = project.ID("prj_" + run)
		w.spend(t, c, meter.OwnKey)
	}
	for _, sql := range []string{
		`INSERT INTO workspace (id, name, created_at) SELECT '` + string(a.Workspace) + `', 'Team', now()`,
		`INSERT INTO app_user (id, name, created_at) VALUES ('usr_guest', 'Guest', now())`,
		`INSERT INTO project (id, workspace_id, name, idea, created_at, updated_at) SELECT 'prj_two', id, 'Two', 'An idea', now(), now() FROM workspace`,
		`INSERT INTO member (workspace_id, user_id, role, restricted, joined_at) SELECT id, 'usr_guest', 'member', true, now() FROM workspace`,
		`INSERT INTO member_project (workspace_id, user_id, project_id) SELECT id, 'usr_guest', 'prj_two' FROM workspace`,
	} {
		if _, err := w.db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.Statement(t.Context(), guest, meter.Filter{}, meter.ByProject)
	if err != nil || len(s.Lines) != 1 || s.Lines[0].Key != "prj_two" {
		t.Errorf("statement %+v, %v; want that of prj_two", s, err)
	}
	// Standing says the same, and no limit.
	seen, err := w.Standing(t.Context(), guest)
	if err != nil || !seen.Set || !seen.Partial || seen.Run != nil || seen.Period.Limit != nil ||
		seen.Day.Spent.Nano != s.Total.Cost || seen.Period.Spent.Nano != s.Total.Cost || seen.Period.Reserved != (meter.Amount{}) {
		t.Errorf("standing %+v, %v; want what prj_two cost, %s", seen, err, s.Total.Cost)
	}
	if team, err := w.TeamStanding(t.Context(), guest); err != nil || team.Run == nil || team.Period.Spent.Nano != 2*s.Total.Cost {
		t.Errorf("the team stands %+v, %v", team, err)
	}
	var csv bytes.Buffer
	if err := w.ExportCSV(t.Context(), guest, meter.Filter{}, &csv); err != nil || strings.Contains(csv.String(), "prj_one") || !strings.Contains(csv.String(), "prj_two") {
		t.Errorf("export %s, %v", csv.String(), err)
	}
}

// TestExportCSV is golden; ids are replaced, the rest is as it is.
func TestExportCSV(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.paidFor(t, w.confirmed(t, meter.DefaultLimits()))
	a.User = "usr_1"
	c := meter.Charge{Actor: a, Project: "prj_1", Run: `=HYPERLINK("http://evil","click")`, Node: "@SUM(A1)", Epoch: 1, Step: "-2+3", Role: meter.Coder}
	call := w.call(t, sonnet)
	call.Payer, call.Endpoint = meter.OnPlan, "+1\t\"quoted\", with comma"
	r := w.reserve(t, c, call)
	o := answered(10_000, 1000)
	o.Model, o.RequestID = "\t=1", "req_1"
	if err := r.Answered(o).Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if _, err := w.credit(t, meter.DoesNotWork, meter.Calls{Entries: []meter.EntryID{r.ID}}); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := w.ExportCSV(t.Context(), a, meter.Filter{}, &got); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(got.String(), string(r.ID), "ent_1")
	const golden = "testdata/export.csv"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
	rows, err := csv.NewReader(&got).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if cell != "" && strings.ContainsRune("=+@\t\r", rune(cell[0])) || strings.HasPrefix(cell, "-") && !strings.HasSuffix(rows[0][i], "_usd") && rows[0][i] != "weighed_tokens" {
				t.Errorf("%s is %q, which a spreadsheet may take for a formula", rows[0][i], cell)
			}
		}
	}
}

func TestStanding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.owner()
	look := func() meter.Standing {
		t.Helper()
		s, err := w.Standing(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if diff := cmp.Diff(meter.Standing{}, look()); diff != "" {
		t.Errorf("before anything (-want +got):\n%s", diff)
	}
	limits := meter.Limits{Month: 30 * worst, Day: meter.NoLimit, Run: 10 * worst}
	if err := w.SetLimits(t.Context(), a, limits); err != nil {
		t.Fatal(err)
	}
	w.spend(t, w.charge(a, "run1"), meter.OwnKey)
	w.reserve(t, w.charge(a, "run1"), w.call(t, sonnet))
	nano := func(n meter.NanoUSD) *meter.NanoUSD { return &n }
	date := func(month time.Month, day int) *time.Time {
		at := time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
		return &at
	}
	spent, reserved := meter.Amount{Nano: 30_000_000, Weighed: 15_000}, meter.Amount{Nano: worst, Weighed: worstWeighed}
	want := meter.Standing{
		Set: true, Run: nano(10 * worst),
		Day:    meter.Used{Spent: spent, Reserved: reserved, ResetsAt: date(12, 4)},
		Period: meter.Used{Limit: nano(30 * worst), Spent: spent, Reserved: reserved, ResetsAt: date(13, 1)},
	}
	for _, when := range []string{"before folding", "after"} {
		if diff := cmp.Diff(want, look()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
		if _, err := w.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	run, err := w.RunStanding(t.Context(), a, "run1")
	if err != nil {
		t.Fatal(err)
	}
	wantRun := meter.Standing{
		Set: true, Day: want.Day,
		Period: meter.Used{Limit: nano(10 * worst), Spent: spent, Reserved: reserved},
	}
	if diff := cmp.Diff(wantRun, run); diff != "" {
		t.Errorf("the run (-want +got):\n%s", diff)
	}
	w.clock.Advance(24 * time.Hour)
	want.Day = meter.Used{ResetsAt: date(12, 5)}
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Errorf("the next day (-want +got):\n%s", diff)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, other := w.confirmed(t, meter.DefaultLimits()), w.confirmed(t, meter.DefaultLimits())
	fail := func(actor account.Actor, k llm.Kind) {
		r := w.reserve(t, w.charge(actor, "run1"), w.call(t, sonnet))
		if err := r.Failed(t.Context(), llm.Outcome{State: llm.Void, Err: k, Reason: llm.ServerError}); err != nil {
			t.Fatal(err)
		}
	}
	fail(a, llm.Unreadable) // two hours ago
	w.clock.Advance(2 * time.Hour)
	fail(a, llm.Overloaded)
	fail(a, llm.Overloaded)
	fail(other, llm.Unavailable)
	w.spend(t, w.charge(a, "run1"), meter.OwnKey)
	now := w.clock.Now()
	overloaded := meter.Failures{Endpoint: "test", Model: sonnet, Kind: llm.Overloaded, Reason: llm.ServerError, Count: 2, Last: now}
	unavailable := meter.Failures{Endpoint: "test", Model: sonnet, Kind: llm.Unavailable, Reason: llm.ServerError, Count: 1, Last: now}
	got, err := w.FailuresOfAll(t.Context(), account.Actor{Operator: true}, now.Add(-time.Hour))
	if diff := cmp.Diff([]meter.Failures{overloaded, unavailable}, got); diff != "" || err != nil {
		t.Errorf("all teams': %v (-want +got):\n%s", err, diff)
	}
	if _, err := w.FailuresOfAll(t.Context(), a, now); !fault.Is(err, fault.Forbidden) {
		t.Errorf("all teams' for an owner: %v", err)
	}
}

func TestSetLimitsRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner()
	member, operator := owner, owner
	member.Role, operator.Operator = account.Member, true
	fields := func(err error) string {
		var names []string
		if f := fault.Of(err); f != nil {
			for _, field := range f.Fields {
				names = append(names, field.Name)
			}
			return f.Kind.String() + " " + strings.Join(names, " ")
		}
		return ""
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing chosen", w.SetLimits(t.Context(), owner, meter.Limits{}), "invalid month_limit day_limit run_limit"},
		{"zero and below", w.SetLimits(t.Context(), owner, meter.Limits{Month: 0, Day: -2, Run: meter.NoLimit}), "invalid month_limit day_limit"},
		{"beyond all bounds", w.SetLimits(t.Context(), owner, meter.Limits{Month: meter.Ceiling(10_000_000 * meter.Dollar), Day: 1, Run: 1}), "invalid month_limit"},
		{"a member", w.SetLimits(t.Context(), member, meter.DefaultLimits()), "forbidden "},
		{"chosen", w.SetLimits(t.Context(), owner, meter.DefaultLimits()), ""},
		{"a ceiling of nothing", w.AcceptQuote(t.Context(), member, "run1", 0), "invalid ceiling"},
		{"a ceiling", w.AcceptQuote(t.Context(), member, "run1", 1), ""},
		{"a person's, by an owner", w.SetUserLimits(t.Context(), owner, "usr_2", meter.DefaultLimits()), "forbidden "},
		{"a person's, not chosen", w.SetUserLimits(t.Context(), operator, "usr_2", meter.Limits{}), "invalid month_limit day_limit"},
		{"a person's", w.SetUserLimits(t.Context(), operator, "usr_2", meter.DefaultLimits()), ""},
		{"a plan without an allowance", w.SetPlan(t.Context(), owner.Workspace, account.Plan{ID: account.SelfHosted}, w.clock.Now()), "internal "},
	} {
		if got := fields(tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
