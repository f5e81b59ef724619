package api_test

import (
	"encoding/csv"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/id"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"go.opentelemetry.io/otel/metric/noop"
)

// ai gives the world what it spends with.
func (w *world) ai(t *testing.T, ids *id.Source, box *seal.Box) {
	t.Helper()
	wire, err := client.New(client.Config{Clock: w.clock, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}})
	if err != nil {
		t.Fatal(err)
	}
	w.meter = meter.New(meter.Config{DB: w.db, Clock: w.clock, IDs: ids, Log: slog.New(slog.DiscardHandler), Fresh: w.accounts.NeedFresh})
	w.connections = meter.NewConnections(meter.ConnectionsConfig{DB: w.db, Clock: w.clock, Box: box, Fresh: w.accounts.NeedFresh})
	w.model = meter.NewModel(meter.ModelConfig{
		Meter: w.meter, Client: wire, Connect: w.connections.Connect, Cards: map[string]*meter.Card{meter.AnthropicCard: meter.PublishedCard()},
	})
}

const secretKey = "sk-ant-api-secret-0002"

// A key's whole way: connect, limits, test, look, move, disconnect.
func TestConnectAnAI(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	server := llmtest.Start(t, "turn\nsay {\"zq_colour\":\"blue\",\"zq_count\":1}\nusage input=100 output=20\n")
	send := func(method, path string, body any) answer {
		a := w.send(t, request{method: method, path: path, as: ann, body: body})
		if strings.Contains(string(a.body), secretKey) {
			t.Errorf("%s %s shows the key: %s", method, path, a.body)
		}
		return a
	}
	draft := map[string]any{
		"preset": "other", "base_url": server.URL, "auth": "x-api-key", "key": secretKey,
		"best": "claude-opus-5-5", "standard": "claude-sonnet-5-5", "small": "claude-haiku-5-5", "rate_card": "anthropic",
	}
	send(http.MethodPost, "/ai/connection/test", nil).wantProblem(t, http.StatusConflict, "no_ai")
	send(http.MethodPut, "/ai/connection", draft).want(t, http.StatusOK)
	if a := send(http.MethodPost, "/ai/connection/test", nil); a.status != http.StatusPaymentRequired {
		t.Errorf("test without limits: %d %s", a.status, a.body)
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d calls before limits", n)
	}
	send(http.MethodPut, "/spending/limits", map[string]any{"month_nano_usd": 30e9, "day_nano_usd": nil}).
		wantProblem(t, http.StatusUnprocessableEntity, "invalid", "run_nano_usd")
	send(http.MethodPut, "/spending/limits", map[string]any{"month_nano_usd": int64(30e9), "day_nano_usd": nil, "run_nano_usd": int64(10e9)}).
		want(t, http.StatusOK)
	tested := send(http.MethodPost, "/ai/connection/test", nil).want(t, http.StatusOK)
	if !strings.Contains(string(tested.body), `"ok":true`) || !strings.Contains(string(tested.body), `"has_key":true`) {
		t.Errorf("test: %s", tested.body)
	}
	const cost = `"amount_nano_usd":400000`
	if a := send(http.MethodGet, "/spending?by=run", nil).want(t, http.StatusOK); !strings.Contains(string(a.body), `"key":"probe"`) ||
		!strings.Contains(string(a.body), cost) {
		t.Errorf("statement: %s", a.body)
	}
	if a := send(http.MethodGet, "/spending/limits", nil).want(t, http.StatusOK); !strings.Contains(string(a.body), `"month_spent_nano_usd":400000`) {
		t.Errorf("limits: %s", a.body)
	}
	rows, err := csv.NewReader(strings.NewReader(string(send(http.MethodGet, "/spending/ledger.csv", nil).want(t, http.StatusOK).body))).ReadAll()
	if err != nil || len(rows) != 2 || !slices.Contains(rows[1], "0.0004") {
		t.Errorf("ledger: %v, %v", rows, err)
	}
	draft["base_url"] = "https://elsewhere.example.com"
	delete(draft, "key")
	send(http.MethodPut, "/ai/connection", draft).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "key")
	send(http.MethodDelete, "/ai/connection", nil).want(t, http.StatusNoContent)
	if a := send(http.MethodGet, "/ai/connection", nil).want(t, http.StatusOK); !strings.Contains(string(a.body), `"connected":false`) {
		t.Errorf("after disconnecting: %s", a.body)
	}
	if w.log.contains(secretKey) {
		t.Error("the log holds the key")
	}
	for _, rows := range w.contents(t) {
		for _, row := range rows {
			if strings.Contains(row, secretKey) {
				t.Errorf("the database holds the key: %s", row)
			}
		}
	}
}

func TestStatementPages(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	viewer := w.joins(t, ann, account.Viewer)
	for _, path := range []string{"/spending?by=colour", "/spending?from=yesterday", "/spending?project=x", "/spending/ledger.csv?to=2026-13-01"} {
		if a := w.send(t, request{method: http.MethodGet, path: path, as: viewer}); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for day := range 3 {
		const row = `INSERT INTO ledger (id, kind, at, reserved_at, workspace_id, project_id, starter_id, run, node, epoch, step, attempt, role, payer, endpoint, model,
state, rates_from, input_rate, write_5m_rate, write_1h_rate, read_rate, output_rate, nano, weighed, day, budgets, sinces)
SELECT $1, 'call', now(), now(), $2, '', 'u', 'r', 'n', 1, 's', 1, 'coder', 'own_key', 'e', 'm', 'settled', $3, 0, 0, 0, 0, 0, 5, 0, $3, '{}', '{}'`
		if _, err := w.db.Exec(t.Context(), row, "ent_"+string(rune('a'+day)), ann.actor.Workspace, w.clock.Now().AddDate(0, 0, day)); err != nil {
			t.Fatal(err)
		}
	}
	first := w.send(t, request{method: http.MethodGet, path: "/spending?limit=2", as: viewer}).want(t, http.StatusOK)
	if !strings.Contains(string(first.body), `"next":"after:2026-11-24"`) || !strings.Contains(string(first.body), `"amount_nano_usd":15`) {
		t.Errorf("first page: %s", first.body)
	}
	last := w.send(t, request{method: http.MethodGet, path: "/spending?limit=2&cursor=after:2026-11-24", as: viewer}).want(t, http.StatusOK)
	if strings.Count(string(last.body), `"key":"2026`) != 1 || !strings.Contains(string(last.body), `"next":null`) {
		t.Errorf("last page: %s", last.body)
	}
}

// An access key, and a session that was opened long ago, may be stolen: they may look
// at the money and spend less of it, and lead it nowhere else.
func TestWhoMayRaiseLimits(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	key := w.key(t, ann, account.ScopeWrite)
	server := llmtest.Start(t, "turn\nsay {\"zq_colour\":\"blue\",\"zq_count\":1}\nusage input=100 output=20\n")
	draft := map[string]any{
		"preset": "other", "base_url": server.URL, "auth": "x-api-key", "key": secretKey,
		"best": "claude-opus-5-5", "standard": "claude-sonnet-5-5", "small": "claude-haiku-5-5", "rate_card": "anthropic",
	}
	limits := func(month, day, run any) map[string]any {
		return map[string]any{"month_nano_usd": month, "day_nano_usd": day, "run_nano_usd": run}
	}
	put := func(who request, path string, body any) answer {
		who.method, who.path, who.body = http.MethodPut, path, body
		return w.send(t, who)
	}
	byKey, bySession := request{as: key}, request{as: ann}
	put(byKey, "/spending/limits", limits(int64(30e9), nil, int64(10e9))).wantProblem(t, http.StatusForbidden, "session_needed")
	put(byKey, "/ai/connection", draft).wantProblem(t, http.StatusForbidden, "session_needed")
	put(bySession, "/spending/limits", limits(int64(30e9), nil, int64(10e9))).want(t, http.StatusOK)
	put(bySession, "/ai/connection", draft).want(t, http.StatusOK)

	w.clock.Advance(16 * time.Minute)
	for name, who := range map[string]request{"session_needed": byKey, "sign_in_again": bySession} {
		for what, raised := range map[string]map[string]any{
			"month": limits(int64(31e9), nil, int64(10e9)), "run": limits(int64(30e9), nil, int64(11e9)),
			"no month": limits(nil, nil, int64(10e9)), "no run": limits(int64(30e9), nil, nil),
			"one up, one down": limits(int64(1e9), nil, int64(11e9)),
		} {
			if a := put(who, "/spending/limits", raised); a.status != http.StatusForbidden || !strings.Contains(string(a.body), name) {
				t.Errorf("%s, %s raised: %d %s", name, what, a.status, a.body)
			}
		}
		draft["best"] = "claude-opus-5"
		put(who, "/ai/connection", draft).wantProblem(t, http.StatusForbidden, name)
		who.method, who.path = http.MethodDelete, "/ai/connection"
		w.send(t, who).wantProblem(t, http.StatusForbidden, name)
	}
	put(byKey, "/spending/limits", limits(int64(20e9), int64(5e9), int64(10e9))).want(t, http.StatusOK)
	put(byKey, "/spending/limits", limits(int64(20e9), nil, int64(10e9))).wantProblem(t, http.StatusForbidden, "session_needed")
	put(bySession, "/spending/limits", limits(int64(20e9), int64(4e9), int64(10e9))).want(t, http.StatusOK)
	for _, path := range []string{"/spending", "/spending/limits", "/ai/connection", "/spending/ledger.csv"} {
		w.send(t, request{method: http.MethodGet, path: path, as: key}).want(t, http.StatusOK)
	}
	if a := w.send(t, request{method: http.MethodPost, path: "/ai/connection/test", as: key}); a.status != http.StatusOK {
		t.Errorf("test inside limits by an access key: %d %s", a.status, a.body)
	}
	if a := w.send(t, request{method: http.MethodGet, path: "/spending/limits", as: key}); !strings.Contains(string(a.body), `"month_nano_usd":20000000000`) ||
		!strings.Contains(string(a.body), `"day_nano_usd":4000000000`) {
		t.Errorf("limits in the end: %s", a.body)
	}
}

// A team chooses another model for one role, and gets the usual ones back.
func TestRolesOfATeam(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.founder(t)
	put := func(as any, items ...any) answer {
		return w.send(t, request{method: http.MethodPut, path: "/ai/roles", as: as, body: map[string]any{"items": append([]any{}, items...)}})
	}
	coder := map[string]any{"role": "coder", "model": "claude-opus-5"}
	put(ann, coder).wantProblem(t, http.StatusConflict, "no_ai")
	w.send(t, request{method: http.MethodPut, path: "/ai/connection", as: ann, body: map[string]any{"preset": "anthropic", "key": secretKey}}).want(t, http.StatusOK)
	const want = `{"role":"coder","class":"standard","model":"claude-opus-5","usual_model":"claude-sonnet-5-5","own_model":"claude-opus-5","operator_model":""}`
	if a := put(ann, coder).want(t, http.StatusOK); !strings.Contains(string(a.body), want) {
		t.Errorf("set: %s", a.body)
	}
	put(ann, map[string]any{"role": "coder", "model": "gpt-unknown"}).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "coder")
	put(w.key(t, ann, account.ScopeWrite), coder).wantProblem(t, http.StatusForbidden, "session_needed")
	put(w.joins(t, ann, account.Member), coder).wantProblem(t, http.StatusForbidden, "owner_only")
	viewer := w.joins(t, ann, account.Viewer)
	if a := w.send(t, request{method: http.MethodGet, path: "/ai/roles", as: viewer}).want(t, http.StatusOK); !strings.Contains(string(a.body), want) {
		t.Errorf("get: %s", a.body)
	}
	if a := put(ann).want(t, http.StatusOK); strings.Contains(string(a.body), "claude-opus-5\"") {
		t.Errorf("after choosing the usual ones: %s", a.body)
	}
	w.send(t, request{method: http.MethodGet, path: "/operator/roles", as: ann}).wantProblem(t, http.StatusForbidden, "operator_only")
	const promote = `UPDATE app_user SET operator = true WHERE id = $1`
	if _, err := w.db.Exec(t.Context(), promote, ann.actor.User); err != nil {
		t.Fatal(err)
	}
	items := map[string]any{"items": []any{coder}}
	w.send(t, request{method: http.MethodPut, path: "/operator/roles", as: ann, body: items}).wantProblem(t, http.StatusUnprocessableEntity, "invalid", "reason")
	items["reason"] = "It builds better."
	if a := w.send(t, request{method: http.MethodPut, path: "/operator/roles", as: ann, body: items}).want(t, http.StatusOK); !strings.Contains(string(a.body), `"operator_model":"claude-opus-5"`) {
		t.Errorf("operator: %s", a.body)
	}
}
