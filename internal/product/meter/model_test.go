package meter_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/metric/noop"
)

// steady tries as often as production and does not wait long in between.
func steady() client.Policy {
	p := client.DefaultPolicy()
	p.BackOff, p.MostPause, p.BreakAfter = time.Millisecond, 10*time.Millisecond, 100
	return p
}

// quick is steady and takes silence for an end at once.
func quick() client.Policy {
	p := steady()
	p.FirstByte, p.Silence, p.Progress = 150*time.Millisecond, 150*time.Millisecond, 300*time.Millisecond
	return p
}

// newModel is a Model whose teams all reach one endpoint.
func (w *world) newModel(t *testing.T, conn meter.Connection) *meter.Model {
	t.Helper()
	return w.connecting(t, func(context.Context, meter.Charge) (meter.Connection, error) { return conn, nil })
}

func (w *world) connecting(t *testing.T, connect func(context.Context, meter.Charge) (meter.Connection, error)) *meter.Model {
	t.Helper()
	return w.patient(t, steady(), connect)
}

func (w *world) patient(t *testing.T, p client.Policy, connect func(context.Context, meter.Charge) (meter.Connection, error)) *meter.Model {
	t.Helper()
	c, err := client.New(client.Config{Clock: w.clock, Log: quiet(), Meter: noop.Meter{}, Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	return meter.NewModel(meter.ModelConfig{
		Meter: w.Meter, Client: c, Cards: map[string]*meter.Card{meter.AnthropicCard: w.card}, Connect: connect,
	})
}

func ask(text string) llm.Request {
	return llm.Request{Turns: []llm.Turn{llm.User(llm.Text(text))}}
}

func TestCallAsksTheModelOfTheRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	server := llmtest.Start(t, "turn\nsay hello\nusage input=1000 output=200\n")
	model := w.newModel(t, meter.Connection{Endpoint: server.Endpoint(), Payer: meter.OwnKey})
	c := w.charge(a, "run1")
	c.Role = meter.Architect
	result, receipt, err := model.Call(t.Context(), c, ask("Say hello."), nil)
	if err != nil || result.Text != "hello" {
		t.Fatalf("Call = %q, %v", result.Text, err)
	}
	if got := w.entries(t, c); len(got) != 0 {
		t.Errorf("ledger before the step commits: %+v", got)
	}
	if err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) error { return receipt.SettleTx(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	got := w.entries(t, c)
	if len(got) != 1 || got[0].Model != opus || got[0].Role != meter.Architect || got[0].Nano != 1000*4000+200*20_000 || got[0].Endpoint != "llmtest" {
		t.Errorf("ledger %+v, want an answer of %s", got, opus)
	}
	if asked := *server.Calls()[0].Request().MaxTokens; asked != 32_000 {
		t.Errorf("an architect may answer %d tokens, want 32 000", asked)
	}
}

// TestCallCountsAPromptThatDoesNotFit: by its bytes a prompt seems dearer than it is.
// Only when that does not fit is it counted.
func TestCallCountsAPromptThatDoesNotFit(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("words and more words ", 5000) // 105 000 bytes, 38 890 tokens
	for _, tt := range []struct {
		name  string
		limit meter.NanoUSD
		calls []string // addresses asked
		most  int64    // tokens of the answer; 0: refused
	}{
		{"by its bytes it fits", meter.Dollar, []string{"/v1/messages"}, 16_000},
		{"counted it fits", 360_000_000, []string{"/v1/messages/count_tokens", "/v1/messages"}, 16_000},
		{"counted it fits, shortened", 230_000_000, []string{"/v1/messages/count_tokens", "/v1/messages"}, 7_200},
		{"counted it does not fit", 190_000_000, []string{"/v1/messages/count_tokens"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.confirmed(t, meter.Limits{Month: meter.Ceiling(tt.limit), Day: meter.NoLimit, Run: meter.NoLimit})
			server := llmtest.StartConfig(t, llmtest.Config{})
			model := w.newModel(t, meter.Connection{Endpoint: server.Endpoint(), Payer: meter.OwnKey})
			c := w.charge(a, "run1")
			c.Role = meter.Writer
			_, receipt, err := model.Call(t.Context(), c, ask(text), nil)
			if tt.most == 0 {
				refused(t, err)
				if llm.KindOf(err) != llm.Budget {
					t.Errorf("kind %q, want budget", llm.KindOf(err))
				}
			} else if err != nil {
				t.Fatal(err)
			}
			var asked []string
			for _, call := range server.All() {
				if call.Path != "/v1/models/"+sonnet {
					asked = append(asked, call.Path)
				}
			}
			if diff := cmp.Diff(tt.calls, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			for _, call := range server.Calls() {
				if got := *call.Request().MaxTokens; got > tt.most || got < tt.most-1000 {
					t.Errorf("an answer of %d tokens was allowed, want about %d", got, tt.most)
				}
			}
			if err := receipt.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}

func TestCallRefusesBeforeItAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.confirmed(t, meter.DefaultLimits())
	server := llmtest.StartConfig(t, llmtest.Config{})
	ep := server.Endpoint()
	suspended := fault.New(fault.Forbidden, "suspended", "This account is suspended.")
	change := func(f func(*llm.Endpoint)) meter.Connection {
		changed := ep
		f(&changed)
		return meter.Connection{Endpoint: changed, Payer: meter.OwnKey}
	}
	for _, tt := range []struct {
		name   string
		conn   meter.Connection
		err    error // of connecting
		change func(*meter.Charge, *llm.Request)
		code   string
	}{
		{"no AI connected", meter.Connection{}, suspended, nil, "suspended"},
		{"a price list nobody has", change(func(ep *llm.Endpoint) { ep.RateCard = "elsewhere" }), nil, nil, "no_rate_card"},
		{"a class without a model", change(func(ep *llm.Endpoint) { ep.Models = nil }), nil, nil, "no_model"},
		{"a model nobody has a price of", change(func(*llm.Endpoint) {}), nil, func(_ *meter.Charge, r *llm.Request) { r.Model = "claude-opus-9" }, "unknown_model"},
		{"a role nobody plays", change(func(*llm.Endpoint) {}), nil, func(c *meter.Charge, _ *llm.Request) { c.Role = "barista" }, "unknown_role"},
		{"a viewer", change(func(*llm.Endpoint) {}), nil, func(c *meter.Charge, _ *llm.Request) { c.Actor.Role = account.Viewer }, "viewer_only"},
	} {
		model := w.connecting(t, func(context.Context, meter.Charge) (meter.Connection, error) { return tt.conn, tt.err })
		c, r := w.charge(a, "run1"), ask("Say hello.")
		if tt.change != nil {
			tt.change(&c, &r)
		}
		_, _, err := model.Call(t.Context(), c, r, nil)
		if f := fault.Of(err); f == nil || f.Code != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	if n := len(server.Calls()); n != 0 {
		t.Errorf("the endpoint was asked %d times", n)
	}
}

// TestFreeEndpointCostsNothing: models on a machine of one's own.
func TestFreeEndpointCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.owner() // who has set no limits
	server := llmtest.StartConfig(t, llmtest.Config{})
	ep := server.Endpoint()
	ep.RateCard = meter.FreeOfCharge
	c := w.charge(a, "run1")
	_, receipt, err := w.newModel(t, meter.Connection{Endpoint: ep, Payer: meter.OwnKey}).Call(t.Context(), c, ask("Say hello."), nil)
	if err = errors.Join(err, receipt.Settle(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got := w.entries(t, c); len(got) != 1 || got[0].Nano != 0 || got[0].Output == 0 {
		t.Errorf("ledger %+v, want one row that cost nothing", got)
	}
}
