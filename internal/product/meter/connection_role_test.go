package meter_test

import (
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/llm/wire"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// model is who plays a role for a team, by what a call would ask.
func (c connections) modelOf(t *testing.T, a account.Actor, r meter.Role) string {
	t.Helper()
	conn, err := c.Connect(t.Context(), meter.Charge{Actor: a})
	if err != nil {
		t.Fatal(err)
	}
	model, err := conn.Model(r)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func TestSetRoles(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "sk-operator")
	a := c.team(t, true)
	server := llmtest.Start(t, "turn\nsay fine\nusage input=1000 output=100\n")
	if err := c.SetRoles(t.Context(), c.model, a, map[meter.Role]string{meter.Coder: opus}); !meter.NotConnected(err) {
		t.Errorf("SetRoles without an AI: %v", err)
	}
	c.save(t, a, draft(server))
	if err := c.SetRoles(t.Context(), c.model, a, map[meter.Role]string{meter.Coder: opus, meter.Writer: ""}); err != nil {
		t.Fatal(err)
	}
	if got := c.modelOf(t, a, meter.Coder); got != opus {
		t.Errorf("the coder is %s", got)
	}
	if got := c.modelOf(t, a, meter.Writer); got != sonnet {
		t.Errorf("the writer is %s", got)
	}
	if err := c.SetLimits(t.Context(), a, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	result, receipt, err := c.model.Call(t.Context(), c.charge(a, "run1"), ask("Build it."), nil)
	if err != nil || receipt.Settle(t.Context()) != nil || result.Model != opus {
		t.Errorf("the coder's call was answered by %q, %v", result.Model, err)
	}
	for role, model := range map[meter.Role]string{meter.Coder: "nobody-knows", "barista": opus, meter.Prober: opus} {
		if err := c.SetRoles(t.Context(), c.model, a, map[meter.Role]string{role: model}); !fault.Is(err, fault.Invalid) {
			t.Errorf("SetRoles(%s: %s): %v", role, model, err)
		}
	}
	// They name models of that server: at another address there are the usual ones.
	d := draft(server)
	d.Name = "Renamed"
	c.save(t, a, d)
	if got := c.modelOf(t, a, meter.Coder); got != opus {
		t.Errorf("after a change of name the coder is %s", got)
	}
	d.BaseURL = "https://elsewhere.example.com"
	c.save(t, a, d)
	if got := c.modelOf(t, a, meter.Coder); got != sonnet {
		t.Errorf("at another address the coder is %s", got)
	}
	// Where models cost nothing, any may be chosen.
	d.BaseURL, d.RateCard, d.Auth, d.Key = "http://localhost:11434", meter.FreeOfCharge, llm.NoAuth, config.Secret{}
	c.save(t, a, d)
	if err := c.SetRoles(t.Context(), c.model, a, map[meter.Role]string{meter.Coder: "llama9:70b"}); err != nil {
		t.Error(err)
	}
}

// A test looks for the models that the roles would ask, and says what they cost.
func TestTryRespectsRoles(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "")
	a := c.team(t, true)
	script, err := llmtest.Parse("turn\nsay {\"zq_colour\":\"blue\",\"zq_count\":1}\nusage input=100 output=20\ntimes 2\n")
	if err != nil {
		t.Fatal(err)
	}
	models := wire.Family()
	models[0].Deprecated = true // opus
	server := llmtest.StartConfig(t, llmtest.Config{Script: script, Models: models})
	d := draft(server)
	d.Models = map[llm.Class]string{llm.Best: "claude-opus-4-8", llm.Standard: sonnet, llm.Small: "claude-haiku-5-5"}
	c.save(t, a, d)
	if err := c.SetLimits(t.Context(), a, meter.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	try := func() meter.Test {
		t.Helper()
		got, err := c.Try(t.Context(), c.model, a)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := try()
	if diff := cmp.Diff([]string{"claude-opus-4-8"}, before.Missing); diff != "" || before.Ending != nil {
		t.Errorf("ending %v, missing models (-want +got):\n%s", before.Ending, diff)
	}
	// Nobody asks the missing one any more, but another that is missing.
	chosen := map[meter.Role]string{meter.Architect: opus, meter.Reviewer: opus, meter.Coder: "claude-opus-4-7"}
	if err := c.SetRoles(t.Context(), c.model, a, chosen); err != nil {
		t.Fatal(err)
	}
	kept, err := c.Get(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	after := try()
	if diff := cmp.Diff([]string{"claude-opus-4-7"}, after.Missing); diff != "" {
		t.Errorf("missing models (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{opus}, after.Ending); diff != "" {
		t.Errorf("ending models (-want +got):\n%s", diff)
	}
	if after.Estimate.Low <= before.Estimate.Low || kept.Test.Estimate != after.Estimate {
		t.Errorf("with a dearer coder %+v, said at once %+v; with the usual one %+v", after.Estimate, kept.Test.Estimate, before.Estimate)
	}
}

// The operator's choice holds where the operator's key pays, and nowhere else: another
// server may not know the model.
func TestOperatorRoles(t *testing.T) {
	t.Parallel()
	c := newConnections(t, "sk-operator")
	ours, theirs := c.team(t, true), c.team(t, false)
	c.save(t, ours, meter.Draft{Preset: meter.Installation})
	c.save(t, theirs, draft(llmtest.Start(t, "")))
	chosen := map[meter.Role]string{meter.Coder: opus}
	untold := func(pgx.Tx, map[meter.Role]string, map[meter.Role]string) error { return nil }
	if err := c.SetOperatorRoles(t.Context(), c.model, theirs, chosen, untold); !fault.Is(err, fault.Forbidden) {
		t.Errorf("somebody who is no operator: %v", err)
	}
	if _, err := c.OperatorRoles(t.Context(), theirs); !fault.Is(err, fault.Forbidden) {
		t.Errorf("somebody who is no operator looks: %v", err)
	}
	for range 2 { // choosing again replaces
		if err := c.SetOperatorRoles(t.Context(), c.model, ours, chosen, untold); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.modelOf(t, ours, meter.Coder); got != opus {
		t.Errorf("by the operator's key the coder is %s", got)
	}
	if got := c.modelOf(t, theirs, meter.Coder); got != sonnet {
		t.Errorf("by the team's own key the coder is %s", got)
	}
	list, err := c.OperatorRoles(t.Context(), ours)
	if err != nil || len(list) != len(meter.Roles()) || list[3] != (meter.Played{Role: meter.Coder, Class: llm.Standard, Model: opus, Usual: sonnet, Operator: opus}) {
		t.Errorf("OperatorRoles = %+v, %v", list, err)
	}
	if err := c.SetOperatorRoles(t.Context(), c.model, ours, nil, untold); err != nil {
		t.Fatal(err)
	}
	if got := c.modelOf(t, ours, meter.Coder); got != sonnet {
		t.Errorf("after taking it back the coder is %s", got)
	}
}
