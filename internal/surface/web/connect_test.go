package web_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/id"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/demo"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric/noop"
)

// ai gives the world what it spends with.
func (w *world) ai(t *testing.T, pool *pgxpool.Pool, ids *id.Source) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	box, err := seal.New(strings.Repeat("0123", 8))
	if err != nil {
		t.Fatal(err)
	}
	wire, err := client.New(client.Config{Clock: w.clock, Log: log, Meter: noop.Meter{}, Transport: demo.New(http.DefaultTransport)})
	if err != nil {
		t.Fatal(err)
	}
	w.meter = meter.New(meter.Config{DB: pool, Clock: w.clock, IDs: ids, Log: log, Fresh: w.accounts.NeedFresh})
	w.connections = meter.NewConnections(meter.ConnectionsConfig{DB: pool, Clock: w.clock, Box: box, Fresh: w.accounts.NeedFresh, Demo: demo.Endpoint()})
	w.model = meter.NewModel(meter.ModelConfig{
		Meter: w.meter, Client: wire, Connect: w.connections.Connect, Cards: map[string]*meter.Card{meter.AnthropicCard: meter.PublishedCard()},
	})
}

const (
	demoMode = "Demo mode: no AI connected"
	typedKey = "sk-ant-typed-secret-0003"
	answers  = "turn\nsay {\"zq_colour\":\"blue\",\"zq_count\":1}\nusage input=100000 output=2000\n"
)

// connects fills in the form for another server.
func (v visitor) connects(t *testing.T, url string, more ...string) answer {
	t.Helper()
	f := form(
		"preset", "other", "base_url", url, "auth", "x-api-key", "rate_card", "anthropic", "key", typedKey,
		"best", "claude-opus-5-5", "standard", "claude-sonnet-5-5", "small", "claude-haiku-5-5",
		"month_limit", "30", "run_limit", "10",
	)
	for i := 0; i < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return v.post(t, "/connect", f)
}

// moneyPages visits the pages about AI and money in the states that look different.
func moneyPages(t *testing.T, v, viewer visitor, pages map[string]answer) {
	t.Helper()
	server := llmtest.Start(t, answers)
	pages["connect"] = v.get(t, "/connect")
	pages["connect, local"] = v.get(t, "/connect?preset=ollama")
	pages["connect, refused"] = v.connects(t, "nonsense")
	pages["connect, limit refused"] = v.connects(t, server.URL, "month_limit", "lots")
	pages["connect, saved"] = v.follow(t, v.connects(t, server.URL))
	pages["spending, nothing"] = v.get(t, "/spending")
	pages["connect, works"] = v.follow(t, v.post(t, "/connect/test", form()))
	pages["spending"] = v.get(t, "/spending")
	pages["spending, refused"] = v.post(t, "/spending/limits", form("month_limit", "-1", "run_limit", "5"))
	pages["connect, another model"] = v.follow(t, v.post(t, "/connect/roles", form("coder", "claude-opus-5")))
	pages["connect, model refused"] = v.post(t, "/connect/roles", form("coder", "who"))
	pages["models, refused"] = v.post(t, "/admin/models", form("coder", "who", "reason", "It builds better."))
	pages["spending of a project"] = v.get(t, "/p/"+string(v.project(t, "A calendar for a dog groomer.").ID)+"/spending")
	pages["spending, viewer"] = viewer.get(t, "/spending")
	pages["connect, viewer"] = viewer.get(t, "/connect")
	pages["new idea, connected"] = v.get(t, "/new")
	v.connects(t, "http://127.0.0.1:1").want(http.StatusSeeOther)
	pages["connect, does not work"] = v.follow(t, v.post(t, "/connect/test", form()))
	pages["trouble"] = v.get(t, "/admin/models")
	if _, err := v.meter.CheckBooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages["trouble, books in order"] = v.get(t, "/admin/models")
}

func TestConnectPage(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	server := llmtest.Start(t, answers)
	v.get(t, "/connect").want(http.StatusOK).says("Connect an AI", "Limit for a month", "No limit")
	for _, address := range []string{"/connect", "/spending", "/", "/account", "/team", "/nowhere"} {
		if !strings.Contains(v.get(t, address).body, demoMode) {
			t.Errorf("%s does not name the demo mode", address)
		}
	}
	if a := v.get(t, "/connect"); !strings.Contains(a.body, `value="30"`) || !strings.Contains(a.body, `value="10"`) {
		t.Error("the limits are not prefilled with 30 and 10")
	}
	for name, more := range map[string][]string{
		"neither amount nor none": {"month_limit", ""},
		"both":                    {"month_limit", "30", "month_limit_none", "yes"},
		"no number":               {"run_limit", "ten"},
		"nothing":                 {"run_limit", "0"},
	} {
		a := v.connects(t, server.URL, more...).want(http.StatusUnprocessableEntity)
		if strings.Contains(a.body, typedKey) {
			t.Errorf("%s: the key is on the page", name)
		}
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d calls before limits", n)
	}
	saved := v.follow(t, v.connects(t, server.URL)).want(http.StatusOK)
	saved.says("Not tested yet. Nothing has been sent", "Test it", "A key is kept")
	if strings.Contains(saved.body, demoMode) {
		t.Error("an AI is connected, and the page still names the demo mode")
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d calls by saving", n)
	}
	v.follow(t, v.post(t, "/connect/test", form())).want(http.StatusOK).says("Works", "claude-sonnet-5-5 answered at once", "keeps to a form", "A first version may cost $")
	v.get(t, "/spending").says("$0.22 so far in November 2026", "of $30.00", "claude-sonnet-5-5", "No project (tests of the AI)", "None this month")
	v.get(t, "/new").says("Your words, to 127.0.0.1:", "when you press Start", "$0.22")
	csv := v.get(t, "/spending.csv").want(http.StatusOK)
	if !strings.HasPrefix(csv.header.Get("Content-Type"), "text/csv") || !strings.Contains(csv.body, ",probe,") || strings.Contains(csv.body, typedKey) {
		t.Errorf("CSV: %s", csv.body)
	}
	for _, address := range []string{"/connect", "/spending", "/", "/account/export"} {
		if strings.Contains(v.get(t, address).body, typedKey) {
			t.Errorf("%s shows the key", address)
		}
	}
	v.connects(t, "https://elsewhere.example.com", "key", "").want(http.StatusUnprocessableEntity).says("never sent to another address")
	if a := v.follow(t, v.post(t, "/connect/end", form())).want(http.StatusOK); !strings.Contains(a.body, demoMode) {
		t.Error("nothing is connected any more, and the page does not name the demo mode")
	}
}

func TestLimitsPage(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.post(t, "/connect/test", form()).want(http.StatusConflict).says("No AI is connected")
	v.follow(t, v.post(t, "/spending/limits", form("month_limit", "$12.50", "run_limit_none", "yes"))).want(http.StatusOK).says("of $12.50")
	s, err := v.meter.Standing(t.Context(), v.actor)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Set || *s.Period.Limit != 12_500_000_000 || s.Run != nil {
		t.Errorf("standing %+v", s)
	}
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	viewer := v.joins(t, "Vic", account.InvitationDraft{Role: account.Viewer})
	viewer.get(t, "/spending").want(http.StatusOK).hushes("Save limits")
	viewer.get(t, "/connect").want(http.StatusOK).says("Only an owner").hushes("Save limits")
	viewer.post(t, "/spending/limits", form("month_limit", "1", "run_limit", "1")).want(http.StatusForbidden)
	viewer.connects(t, "https://ai.example.com").want(http.StatusForbidden)
	viewer.post(t, "/connect/test", form()).want(http.StatusForbidden)
	viewer.post(t, "/connect/end", form()).want(http.StatusForbidden)
	viewer.get(t, "/admin/models").want(http.StatusNotFound)
}

// A month limit that is used up is said on the page, and nothing is sent.
func TestTestBeyondLimit(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	server := llmtest.Start(t, "")
	v.connects(t, server.URL, "month_limit", "0.001").want(http.StatusSeeOther)
	v.post(t, "/connect/test", form()).want(http.StatusPaymentRequired).says("limit")
	for _, c := range server.Calls() {
		if strings.HasSuffix(c.Path, "/messages") {
			t.Error("a paid question was sent beyond the limit")
		}
	}
}

// What a project cost is on a page of its own, and the same figures as everywhere.
func TestProjectSpendingPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	server := llmtest.Start(t, "turn\ntimes 2\nsay fine\nusage input=100000 output=2000\n")
	v.connects(t, server.URL).want(http.StatusSeeOther)
	p := v.project(t, "A calendar for a dog groomer.")
	page := "/p/" + string(p.ID) + "/spending"
	v.get(t, page).want(http.StatusOK).says("$0.00 so far", "Nothing was asked for this project yet")
	// A run that waits for its time, of whose kind the page speaks.
	interview, err := w.flow.StartRun(t.Context(), flow.NewRun{
		Kind: project.RunInterview, Workspace: string(v.actor.Workspace), Project: string(p.ID), Starter: string(v.actor.User),
		First: flow.Next{Name: "begin"}, NotBefore: w.clock.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []meter.Charge{{Project: p.ID, Run: string(interview), Step: "1", Role: meter.Writer}, {Run: "elsewhere", Step: "1", Role: meter.Coder}} {
		of.Actor = v.actor
		_, receipt, err := v.model.Call(t.Context(), of, llm.Request{MaxTokens: 5000, Turns: []llm.Turn{llm.User(llm.Text("Hello."))}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := receipt.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	v.get(t, page).want(http.StatusOK).says("$0.22 so far", "Reading the idea and asking you", "Writing documents").hushes("elsewhere", string(interview), "whole team")
	v.get(t, "/spending").says("$0.44 so far", "about $", "Building", "Writing documents")
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	if csv := v.get(t, page+".csv").want(http.StatusOK); !strings.Contains(csv.body, string(interview)) || strings.Contains(csv.body, ",elsewhere,") {
		t.Errorf("CSV: %s", csv.body)
	}
	guest := v.joins(t, "Vic", account.InvitationDraft{Role: account.Viewer, Project: v.project(t, "Another.").ID})
	guest.get(t, "/spending").want(http.StatusOK).says("$0.00 so far").hushes("$0.44", "$30.00", "Each build")
	guest.get(t, page).want(http.StatusNotFound)
	guest.get(t, page+".csv").want(http.StatusNotFound)
}

func TestDayLimitAndModels(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	v.connects(t, "https://ai.example.com").want(http.StatusSeeOther)
	v.follow(t, v.post(t, "/spending/limits", form("month_limit", "30", "run_limit", "10", "day_limit", "2.50"))).want(http.StatusOK)
	v.connects(t, "https://ai.example.com").want(http.StatusSeeOther) // a form without the field
	s, err := v.meter.Standing(t.Context(), v.actor)
	if err != nil {
		t.Fatal(err)
	}
	if s.Day.Limit == nil || *s.Day.Limit != 2_500_000_000 {
		t.Errorf("the day's limit is %v", s.Day.Limit)
	}
	v.post(t, "/spending/limits", form("month_limit", "30", "run_limit", "10", "day_limit", "some")).want(http.StatusUnprocessableEntity)

	v.post(t, "/connect/roles", form("coder", "nobody-knows")).want(http.StatusUnprocessableEntity).says("I do not know what the model")
	v.follow(t, v.post(t, "/connect/roles", form("coder", "claude-opus-5"))).want(http.StatusOK).says("Models saved")
	roles, err := v.connections.Roles(t.Context(), v.actor)
	if err != nil || roles[3].Model != "claude-opus-5" || roles[4].Model != "claude-sonnet-5-5" {
		t.Errorf("roles %+v, %v", roles, err)
	}
	v.clock.Advance(time.Hour)
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	v.connects(t, "https://elsewhere.example.com").want(http.StatusForbidden).says("Sign in again")
	v.post(t, "/spending/limits", form("month_limit", "31", "run_limit", "10", "day_limit", "2")).want(http.StatusForbidden).says("Sign in again")
	v.post(t, "/spending/limits", form("month_limit", "29", "run_limit", "10", "day_limit", "2")).want(http.StatusSeeOther)
}

// Whoever runs the installation sees what the nightly look into the books found, and
// chooses its models with a reason.
func TestBooksOnTheModelsPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	page := func() answer { return v.get(t, "/admin/models").want(http.StatusOK) }
	page().says("Not looked at yet")
	v.post(t, "/admin/models", form("coder", "claude-opus-5")).want(http.StatusUnprocessableEntity).says("Say why", "claude-opus-5")
	v.follow(t, v.post(t, "/admin/models", form("coder", "claude-opus-5", "reason", "It builds better."))).want(http.StatusOK).says("Models saved")
	v.get(t, "/admin/audit").want(http.StatusOK).says("Chose models of this installation", "coder: claude-opus-5 instead of the usual one", "It builds better.")
	v.connects(t, "http://127.0.0.1:1").want(http.StatusSeeOther) // its limits make a budget
	if n, err := w.meter.CheckBooks(t.Context()); n != 0 || err != nil {
		t.Fatalf("CheckBooks = %d, %v", n, err)
	}
	page().says("All agree").hushes("Not looked at yet", "that do not agree")
	if _, err := w.db.Exec(t.Context(), `UPDATE budget SET period_spent = 7 WHERE id = $1`, v.actor.Workspace); err != nil {
		t.Fatal(err)
	}
	if n, err := w.meter.CheckBooks(t.Context()); n != 1 || err != nil {
		t.Fatalf("CheckBooks = %d, %v", n, err)
	}
	page().says("Figures that do not agree: 1", string(meter.RuleSpent), string(v.actor.Workspace)).hushes("All agree")
}
