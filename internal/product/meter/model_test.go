package meter_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"go.opentelemetry.io/otel/metric/noop"
)

// quick is as patient as production, a thousand times faster.
func quick() client.Policy {
	p := client.DefaultPolicy()
	p.Patience, p.BackOff, p.MostPause = 2*time.Second, time.Millisecond, 10*time.Millisecond
	p.FirstByte, p.Silence, p.Progress = 150*time.Millisecond, 150*time.Millisecond, 300*time.Millisecond
	p.BreakAfter = 100
	return p
}

// newModel is a Model whose teams all reach one endpoint.
func (w *world) newModel(t *testing.T, conn meter.Connection) *meter.Model {
	t.Helper()
	c, err := client.New(client.Config{Clock: w.clock, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Policy: quick()})
	if err != nil {
		t.Fatal(err)
	}
	return meter.NewModel(meter.ModelConfig{
		Meter: w.Meter, Client: c, Cards: map[string]*meter.Card{meter.AnthropicCard: w.card},
		Connect: func(context.Context, meter.Charge) (meter.Connection, error) { return conn, nil },
	})
}

func ask(text string) llm.Request {
	return llm.Request{Turns: []llm.Turn{llm.User(llm.Text(text))}}
}

func TestCallSettlesWithTheStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner()
	if err := w.SetLimits(t.Context(), owner, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	server := llmtest.Start(t, "turn\nsay hello\nusage input=1000 output=200\n")
	model := w.newModel(t, meter.Connection{Endpoint: server.Endpoint(), Payer: meter.OwnKey})
	result, receipt, err := model.Call(t.Context(), w.charge(owner, "run1"), ask("Say hello."), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v %+v", result, receipt.Cost())
	_ = account.Owner
}
