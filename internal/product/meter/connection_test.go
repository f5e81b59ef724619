package meter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/seal"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/metric/noop"
)

const keyText = "sk-ant-very-secret-0001"

// connections are those of a world, with a Model that uses them.
type connections struct {
	*world
	*meter.Connections
	model *meter.Model
}

func newConnections(t *testing.T, operatorKey string) connections {
	t.Helper()
	w := newWorld(t)
	box, err := seal.New(strings.Repeat("0123", 8))
	if err != nil {
		t.Fatal(err)
	}
	c := connections{world: w, Connections: meter.NewConnections(meter.ConnectionsConfig{
		DB: w.db, Clock: w.clock, Box: box, Fresh: anyone, OperatorKey: config.NewSecret(operatorKey),
	})}
	wire, err := client.New(client.Config{Clock: w.clock, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Policy: quick()})
	if err != nil {
		t.Fatal(err)
	}
	c.model = meter.NewModel(meter.ModelConfig{
		Meter: w.Meter, Client: wire, Connect: c.Connect, Cards: map[string]*meter.Card{meter.AnthropicCard: w.card},
	})
	return c
}

// team makes a team that is in the database; operator says who owns it.
func (c connections) team(t *testing.T, operator bool) account.Actor {
	t.Helper()
	a := c.owner()
	a.Operator = operator
	const insert = `
WITH u AS (INSERT INTO app_user (id, name, operator, created_at) VALUES ($1, '', $3, $4)),
     w AS (INSERT INTO workspace (id, name, created_at) VALUES ($2, 'Team', $4))
INSERT INTO member (workspace_id, user_id, role, joined_at) VALUES ($2, $1, 'owner', $4)`
	if _, err := c.db.Exec(t.Context(), insert, a.User, a.Workspace, operator, c.clock.Now()); err != nil {
		t.Fatal(err)
	}
	return a
}

func draft(server *llmtest.Running) meter.Draft {
	return meter.Draft{
		Preset: meter.OtherServer, Name: "Ours", BaseURL: server.URL, Auth: llm.KeyHeader, Key: config.NewSecret(keyText),
		Models: meter.DefaultModels(), RateCard: meter.AnthropicCard,
	}
}

func (c connections) save(t *testing.T, a account.Actor, d meter.Draft) meter.Connected {
	t.Helper()
	got, err := c.Save(t.Context(), c.model, a, d)
	if err != nil {
		t.Fatalf("Save: %v", err)
	}
	return got
}

func TestSaveKeepsTheKeySealed(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "")
	a := c.team(t, true)
	server := llmtest.Start(t, "")
	got := c.save(t, a, draft(server))
	if !got.HasKey || got.Name != "Ours" || got.Test != nil {
		t.Errorf("got %+v", got)
	}
	for what, text := range map[string]string{
		"value": fmt.Sprintf("%+v %#v", got, got), "draft": fmt.Sprintf("%+v", draft(server)), "json": asJSON(t, got),
	} {
		if strings.Contains(text, keyText) {
			t.Errorf("the %s shows the key: %s", what, text)
		}
	}
	var sealed []byte
	if err := c.db.QueryRow(t.Context(), `SELECT sealed_key FROM ai_connection`).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if len(sealed) == 0 || bytes.Contains(sealed, []byte(keyText)) {
		t.Errorf("sealed key is %q", sealed)
	}
	conn, err := c.Connect(t.Context(), meter.Charge{Actor: a})
	if err != nil {
		t.Fatal(err)
	}
	if conn.Endpoint.Key.Reveal() != keyText || conn.Payer != meter.OwnKey {
		t.Errorf("connection has key %q, payer %s", conn.Endpoint.Key.Reveal(), conn.Payer)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A key goes to no address but its own: not by an edit, and not when somebody changes
// the database.
func TestKeyStaysWithItsAddress(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "")
	a := c.team(t, true)
	server, other := llmtest.Start(t, ""), llmtest.Start(t, "")
	c.save(t, a, draft(server))
	again := draft(server)
	again.Key, again.Name = config.Secret{}, "Renamed"
	if got := c.save(t, a, again); !got.HasKey || got.Name != "Renamed" {
		t.Errorf("after renaming: %+v", got)
	}
	moved := again
	moved.BaseURL = other.URL
	if _, err := c.Save(t.Context(), c.model, a, moved); fieldOf(err) != "key" {
		t.Errorf("Save at another address without a key: %v", err)
	}
	open := moved
	open.Auth = llm.NoAuth
	if got := c.save(t, a, open); got.HasKey {
		t.Error("the key moved to another address")
	}
	back := again
	if _, err := c.Save(t.Context(), c.model, a, back); fieldOf(err) != "key" {
		t.Errorf("the dropped key came back: %v", err)
	}
	c.save(t, a, draft(server))
	for name, sql := range map[string]string{
		"another address": `UPDATE ai_connection SET base_url = '` + other.URL + `'`,
	} {
		if _, err := c.db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Connect(t.Context(), meter.Charge{Actor: a}); codeOf(err) != "key_unreadable" {
			t.Errorf("%s in the database: %v", name, err)
		}
	}
	if calls := other.Calls(); len(calls) != 0 {
		t.Errorf("the other server was asked: %v", calls)
	}
}

func fieldOf(err error) string {
	if f := fault.Of(err); f != nil && len(f.Fields) == 1 {
		return f.Fields[0].Name
	}
	return ""
}

func codeOf(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "")
	base := meter.Draft{Preset: meter.OtherServer, BaseURL: "https://ai.example.com", Key: config.NewSecret(keyText), Models: meter.DefaultModels()}
	tests := []struct {
		name   string
		change func(*meter.Draft)
		want   string // the field refused
		url    string
	}{
		{name: "whole address", change: func(d *meter.Draft) { d.BaseURL = " https://AI.example.com/v1/messages/ " }, url: "https://ai.example.com"},
		{name: "with a path", change: func(d *meter.Draft) { d.BaseURL = "https://ai.example.com/anthropic/v1" }, url: "https://ai.example.com/anthropic"},
		{name: "anthropic", change: func(d *meter.Draft) { d.Preset, d.BaseURL, d.Models = meter.Anthropic, "", nil }, url: "https://api.anthropic.com"},
		{name: "fixed address", change: func(d *meter.Draft) { d.Preset = meter.Anthropic }, url: "https://api.anthropic.com"},
		{name: "local http with a key", change: func(d *meter.Draft) { d.BaseURL = "http://192.168.1.7:8000" }, url: "http://192.168.1.7:8000"},
		{name: "ollama", change: func(d *meter.Draft) { d.Preset, d.BaseURL, d.Key = meter.Ollama, "", config.Secret{} }, url: "http://localhost:11434"},
		{name: "bedrock", change: func(d *meter.Draft) {
			d.Preset, d.BaseURL, d.Models = meter.Bedrock, "https://bedrock-runtime.eu-west-1.amazonaws.com/anthropic/v1/messages", nil
		}, url: "https://bedrock-runtime.eu-west-1.amazonaws.com/anthropic"},
		{name: "bedrock for nothing", change: func(d *meter.Draft) { d.Preset, d.BaseURL, d.RateCard = meter.Bedrock, "", meter.FreeOfCharge }, want: "rate_card"},
		{name: "no preset", change: func(d *meter.Draft) { d.Preset = "x" }, want: "preset"},
		{name: "no operator key", change: func(d *meter.Draft) { d.Preset, d.Key = meter.Installation, config.Secret{} }, want: "preset"},
		{name: "no address", change: func(d *meter.Draft) { d.BaseURL = "ai.example.com" }, want: "base_url"},
		{name: "file", change: func(d *meter.Draft) { d.BaseURL = "file:///etc/passwd" }, want: "base_url"},
		{name: "user in it", change: func(d *meter.Draft) { d.BaseURL = "https://me:pw@ai.example.com" }, want: "base_url"},
		{name: "question mark", change: func(d *meter.Draft) { d.BaseURL = "https://ai.example.com?x=1" }, want: "base_url"},
		{name: "key over http", change: func(d *meter.Draft) { d.BaseURL = "http://ai.example.com" }, want: "base_url"},
		{name: "key with a line break", change: func(d *meter.Draft) { d.Key = config.NewSecret("sk\nx") }, want: "key"},
		{name: "no key", change: func(d *meter.Draft) { d.Key = config.Secret{} }, want: "key"},
		{name: "key for nobody", change: func(d *meter.Draft) { d.Auth = llm.NoAuth }, want: "key"},
		{name: "odd style", change: func(d *meter.Draft) { d.Auth = "basic" }, want: "auth"},
		{name: "free of charge, but billed", change: func(d *meter.Draft) { d.BaseURL, d.RateCard = "https://api.anthropic.com", meter.FreeOfCharge }, want: "rate_card"},
		{name: "a price list that is not there", change: func(d *meter.Draft) { d.RateCard = "gold" }, want: "rate_card"},
		{name: "free of charge, but DeepSeek", change: func(d *meter.Draft) { d.BaseURL, d.RateCard = "https://api.deepseek.com/anthropic", meter.FreeOfCharge }, want: "rate_card"},
		{name: "free of charge, but Moonshot", change: func(d *meter.Draft) { d.BaseURL, d.RateCard = "https://api.moonshot.ai/anthropic", meter.FreeOfCharge }, want: "rate_card"},
		{name: "free of charge, but z.ai", change: func(d *meter.Draft) { d.BaseURL, d.RateCard = "https://api.z.ai/api/anthropic", meter.FreeOfCharge }, want: "rate_card"},
		{name: "free of charge, but Vercel", change: func(d *meter.Draft) { d.BaseURL, d.RateCard = "https://ai-gateway.vercel.sh", meter.FreeOfCharge }, want: "rate_card"},
		{name: "model missing", change: func(d *meter.Draft) { d.Models = map[llm.Class]string{llm.Best: "a", llm.Small: "b"} }, want: "standard"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := base
			tt.change(&d)
			got, err := c.Save(t.Context(), c.model, c.team(t, true), d)
			if fieldOf(err) != tt.want || got.BaseURL != tt.url {
				t.Errorf("Save: address %q, error %v; want %q, field %q", got.BaseURL, err, tt.url, tt.want)
			}
		})
	}
}

// Rights, teams, and the operator's key.
func TestWhoMayConnect(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "sk-operator")
	first := c.team(t, true)
	c.clock.Advance(1)
	stranger := c.team(t, false)
	key := meter.Draft{Preset: meter.Installation}
	if _, err := c.Save(t.Context(), c.model, stranger, key); fieldOf(err) != "preset" {
		t.Errorf("another team took the operator's key: %v", err)
	}
	got := c.save(t, first, key)
	if got.HasKey || got.BaseURL != "https://api.anthropic.com" {
		t.Errorf("got %+v", got)
	}
	conn, err := c.Connect(t.Context(), meter.Charge{Actor: first})
	if err != nil || conn.Endpoint.Key.Reveal() != "sk-operator" {
		t.Errorf("Connect: key %q, %v", conn.Endpoint.Key.Reveal(), err)
	}
	if _, err := c.Get(t.Context(), stranger); !meter.NotConnected(err) {
		t.Errorf("another team sees %v", err)
	}
	// Even a row that somebody wrote into the database serves nobody else.
	if _, err := c.db.Exec(t.Context(), `UPDATE ai_connection SET workspace_id = $1`, stranger.Workspace); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(t.Context(), meter.Charge{Actor: stranger}); !meter.NotConnected(err) {
		t.Errorf("Connect of another team: %v", err)
	}
	member, viewer := first, first
	member.Role, viewer.Role = account.Member, account.Viewer
	for _, a := range []account.Actor{member, viewer, {}} {
		if _, err := c.Save(t.Context(), c.model, a, key); !fault.Is(err, fault.Forbidden) {
			t.Errorf("Save as %q: %v", a.Role, err)
		}
		if err := c.Disconnect(t.Context(), a); !fault.Is(err, fault.Forbidden) {
			t.Errorf("Disconnect as %q: %v", a.Role, err)
		}
		if _, err := c.Try(t.Context(), c.model, a); !fault.Is(err, fault.Forbidden) {
			t.Errorf("Try as %q: %v", a.Role, err)
		}
	}
}

func TestTryNeedsLimitsFirst(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "")
	a := c.team(t, true)
	server := llmtest.Start(t, "")
	c.save(t, a, draft(server))
	if _, err := c.Try(t.Context(), c.model, a); codeOf(err) != "no_limits" {
		t.Fatalf("Try without limits: %v", err)
	}
	if calls := server.Calls(); len(calls) != 0 {
		t.Errorf("something was sent before limits: %d calls", len(calls))
	}
	if err := c.SetLimits(t.Context(), a, meter.Limits{Month: 1, Day: meter.NoLimit, Run: meter.NoLimit}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Try(t.Context(), c.model, a); codeOf(err) != "month_limit" {
		t.Errorf("Try with a limit that is too small: %v", err)
	}
}

func TestTryShowsAndCharges(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "")
	a := c.team(t, true)
	server := llmtest.Start(t, "turn\nsay {\"zq_colour\":\"blue\",\"zq_count\":1}\nusage input=100 output=20\n")
	d := draft(server)
	d.Models[llm.Small] = "claude-haiku-9"
	c.save(t, a, d)
	if err := c.SetLimits(t.Context(), a, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	got, err := c.Try(t.Context(), c.model, a)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Worked() || !got.Structured || !got.Counts || got.Model != sonnet || !got.Estimate.Known || got.Estimate.Low >= got.Estimate.High {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"claude-haiku-9"}, got.Missing); diff != "" {
		t.Errorf("missing models (-want +got):\n%s", diff)
	}
	s, err := c.Statement(t.Context(), a, meter.Filter{Run: "probe"}, meter.ByRole)
	if err != nil {
		t.Fatal(err)
	}
	const cost = 100*2_000 + 20*10_000 // nano-dollars: $2 and $10 a million
	if s.Total.Calls != 1 || s.Total.Cost != cost || s.Lines[0].Key != string(meter.Prober) {
		t.Errorf("statement %+v, want one call for %d", s, cost)
	}
	kept, err := c.Get(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&got, kept.Test); diff != "" {
		t.Errorf("kept test (-want +got):\n%s", diff)
	}
	if !kept.Known[sonnet].StructuredOutput {
		t.Errorf("kept capabilities %+v", kept.Known)
	}
	checkBooks(t, c.Meter, c.clock.Now())
}

// What an owner is told when it does not work.
func TestTryExplains(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, fail string
		url        string
		code, says string
	}{
		{name: "wrong key", fail: "unauthorised", code: "unauthorised", says: "does not accept this key"},
		{name: "no such model", fail: "not_found", code: "unknown_model", says: "no model named " + sonnet},
		{name: "a web page", fail: "html_200", code: "not_messages_api", says: "a web page came back"},
		{name: "no money", fail: "no_credit", code: "spend_limit", says: "out of money"},
		{name: "sent on", fail: "redirect", code: "redirected", says: "must not go there"},
		{name: "silence", fail: "hang", code: "no_first_byte", says: "fell silent"},
		{name: "overloaded", fail: "overloaded", code: "overloaded", says: "overloaded"},
		{name: "nobody there", url: "http://127.0.0.1:1", code: "not_listening", says: "Nothing answers"},
		{name: "no such host", url: "http://cofounder.invalid", code: "no_address", says: "no server named"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newConnections(t, "")
			a := c.team(t, true)
			server := llmtest.StartConfig(t, llmtest.Config{Fail: tt.fail})
			d := draft(server)
			if tt.url != "" {
				d.BaseURL, d.Auth, d.Key = tt.url, llm.NoAuth, config.Secret{}
			}
			c.save(t, a, d)
			if err := c.SetLimits(t.Context(), a, meter.DefaultLimits()); err != nil {
				t.Fatal(err)
			}
			got, err := c.Try(t.Context(), c.model, a)
			if err != nil {
				t.Fatal(err)
			}
			if got.Worked() || got.Code != tt.code || !strings.Contains(got.Trouble, tt.says) {
				t.Errorf("got %q: %s; want %q: … %s", got.Code, got.Trouble, tt.code, tt.says)
			}
			if strings.Contains(got.Trouble, keyText) {
				t.Errorf("shows the key: %s", got.Trouble)
			}
			checkBooks(t, c.Meter, c.clock.Now())
		})
	}
}

func TestTryRefusesUnknownPrices(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "")
	a := c.team(t, true)
	server := llmtest.Start(t, "")
	d := draft(server)
	d.Models[llm.Standard] = "nobody/knows-7b"
	c.save(t, a, d)
	if err := c.SetLimits(t.Context(), a, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Try(t.Context(), c.model, a); codeOf(err) != "unknown_model" {
		t.Errorf("Try: %v", err)
	}
	if calls := server.Calls(); len(calls) != 0 {
		t.Errorf("asked without knowing the price: %d calls", len(calls))
	}
	_, _, err := c.model.Call(t.Context(), c.charge(a, "r"), ask("Hello."), nil)
	if codeOf(err) != "unknown_model" || errors.As(err, new(*llm.Error)) {
		t.Errorf("Call: %v", err)
	}
}
