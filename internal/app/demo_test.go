package app

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/platform/llm/demo"
	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/platform/sandbox/sandboxtest"
	"cofounder/internal/platform/seal"
	"cofounder/internal/platform/telemetry"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	sandboxtest.Init()
	dbtest.Main(m)
}

// openModels is an App as far as models need it, and the owner of a team in it.
func openModels(t *testing.T) (*App, account.Actor) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	measurements, err := telemetry.Open(t.Context(), telemetry.Config{Version: "test", Instance: "test", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	a := &App{log: quiet, telemetry: measurements, database: database{pool: dbtest.New(t)}}
	box, err := seal.New(strings.Repeat("0123", 8))
	if err != nil {
		t.Fatal(err)
	}
	ids := id.NewSource(clock.System{}.Now)
	a.Accounts, err = account.New(account.Config{DB: a.database.pool, Clock: clock.System{}, IDs: ids, PublicURL: "http://localhost:8080"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.openAI(t.Context(), box, ids); err != nil {
		t.Fatal(err)
	}
	code, err := a.Accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, redeemed, err := a.Accounts.Redeem(t.Context(), code, account.Device{})
	if err != nil {
		t.Fatal(err)
	}
	owner, err := a.Accounts.ActorIn(t.Context(), redeemed.Session, "")
	if err != nil {
		t.Fatal(err)
	}
	return a, owner
}

// understand asks for the understanding of an idea as a product package would, and
// does not know who answers.
func understand(t *testing.T, a *App, owner account.Actor, step int) (idea.Understanding, llm.Result, error) {
	t.Helper()
	form := answer.New[idea.Understanding]("understanding")
	prompt := tag.Write(tag.Part{Name: tag.Founder, Source: "idea", Text: "I walk dogs for eleven families. They pick a free slot, and I see each dog's name and quirks."})
	charge := meter.Charge{Actor: owner, Run: "run_1", Step: "understand/" + strconv.Itoa(step), Role: meter.Interviewer}
	result, receipt, err := a.Model.Call(t.Context(), charge, llm.Request{
		Effort: llm.MediumEffort, Schema: form.Schema(), Turns: []llm.Turn{llm.User(llm.Text(prompt))},
	}, nil)
	if err != nil {
		return idea.Understanding{}, result, err
	}
	if err := receipt.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := form.Read(result)
	return got, result, err
}

// A team without an AI is answered by the demo model over the same way as by any
// other, and each answer stands in its ledger for nothing; one that has connected an AI
// is never answered by it, also when that AI does not answer.
func TestDemoModelAnswersWhereNoAIIsConnected(t *testing.T) {
	t.Parallel()
	a, owner := openModels(t)
	demoAnswers := func(step int) {
		t.Helper()
		got, result, err := understand(t, a, owner, step)
		if err != nil {
			t.Fatal(err)
		}
		if got.Shape.Name != idea.Bookings || got.Name.Text == "" || result.Model != demo.ModelID || result.Label != llm.Strict {
			t.Errorf("%s understood %+v (%s)", result.Model, got, result.Label)
		}
	}
	demoAnswers(1)
	server := llmtest.StartConfig(t, llmtest.Config{Key: "sk-right"})
	connect := meter.Draft{
		Preset: meter.OtherServer, Name: "Ours", BaseURL: server.URL, Auth: llm.KeyHeader, Key: config.NewSecret("sk-wrong"),
		Models: meter.DefaultModels(), RateCard: meter.AnthropicCard,
	}
	if _, err := a.Connections.Save(t.Context(), a.Model, owner, connect); err != nil {
		t.Fatal(err)
	}
	if err := a.Meter.SetLimits(t.Context(), owner, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := understand(t, a, owner, 2); llm.KindOf(err) != llm.Unauthorised {
		t.Errorf("with a key that is wrong: %v", err)
	}
	if err := a.Connections.Disconnect(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	demoAnswers(3)

	type row struct {
		Step, Model string
		Payer       meter.Payer
		Amount      meter.NanoUSD
		Output      bool
	}
	var rows []row
	if err := a.Meter.Entries(t.Context(), owner, meter.Filter{}, func(e meter.Entry) error {
		rows = append(rows, row{e.Step, e.Model, e.Payer, e.Nano, e.Output > 0})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []row{
		{"understand/1", demo.ModelID, meter.Nobody, 0, true},
		{"understand/2", meter.DefaultModels()[llm.Standard], meter.OwnKey, 0, false},
		{"understand/3", demo.ModelID, meter.Nobody, 0, true},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}
