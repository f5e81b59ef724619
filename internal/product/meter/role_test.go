package meter_test

import (
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

func TestModelOfARole(t *testing.T) {
	t.Parallel()
	models := meter.DefaultModels()
	all := func(architect, coder, names string) map[meter.Role]string {
		return map[meter.Role]string{
			meter.Architect: architect, meter.Reviewer: architect,
			meter.Coder: coder, meter.Debugger: coder, meter.Interviewer: coder, meter.Writer: coder,
			meter.Relevance: names, meter.Confidence: names, meter.Names: names, meter.CommitSubjects: names,
		}
	}
	with := func(m map[meter.Role]string, r meter.Role, model string) map[meter.Role]string {
		m[r] = model
		return m
	}
	ep := llm.Endpoint{Models: models}
	other := map[meter.Role]string{meter.Coder: "claude-opus-5"}
	for _, tt := range []struct {
		name string
		conn meter.Connection
		want map[meter.Role]string
	}{
		{"own key", meter.Connection{Endpoint: ep, Payer: meter.OwnKey}, all(opus, sonnet, haiku)},
		{"bootstrapper", meter.Connection{Endpoint: ep, Payer: meter.OnPlan, Swap: account.StandardForBest}, all(sonnet, sonnet, haiku)},
		{"partner", meter.Connection{Endpoint: ep, Payer: meter.OnPlan}, all(opus, sonnet, haiku)},
		{"cto_scale", meter.Connection{Endpoint: ep, Payer: meter.OnPlan, Swap: account.BestForStandard}, all(opus, opus, haiku)},
		{"a swap is of a plan only", meter.Connection{Endpoint: ep, Payer: meter.OwnKey, Swap: account.StandardForBest}, all(opus, sonnet, haiku)},
		{"trial", meter.Connection{Endpoint: ep, Payer: meter.OnTrial}, all(opus, sonnet, haiku)},
		{
			"the team's own choice with its own key",
			meter.Connection{Endpoint: ep, Payer: meter.OwnKey, Workspace: other, Operator: map[meter.Role]string{meter.Coder: haiku}},
			with(all(opus, sonnet, haiku), meter.Coder, "claude-opus-5"),
		},
		{
			"on a plan the team is not asked",
			meter.Connection{Endpoint: ep, Payer: meter.OnPlan, Workspace: other},
			all(opus, sonnet, haiku),
		},
		{
			"the operator's choice on a plan",
			meter.Connection{Endpoint: ep, Payer: meter.OnPlan, Operator: other},
			with(all(opus, sonnet, haiku), meter.Coder, "claude-opus-5"),
		},
		{
			"the operator's choice where the team has none",
			meter.Connection{Endpoint: ep, Payer: meter.OwnKey, Operator: other},
			with(all(opus, sonnet, haiku), meter.Coder, "claude-opus-5"),
		},
	} {
		got := map[meter.Role]string{}
		for role := range tt.want {
			model, err := tt.conn.Model(role)
			if err != nil {
				t.Errorf("%s: %s: %v", tt.name, role, err)
			}
			got[role] = model
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestModelOfARoleRefuses(t *testing.T) {
	t.Parallel()
	half := meter.Connection{Endpoint: llm.Endpoint{Models: map[llm.Class]string{llm.Small: haiku}}}
	if _, err := half.Model(meter.Coder); !fault.Is(err, fault.Conflict) || fault.Of(err).Code != "no_model" {
		t.Errorf("a class without a model: %v", err)
	}
	if _, err := half.Model("barista"); !fault.Is(err, fault.Internal) {
		t.Errorf("a role nobody plays: %v", err)
	}
}
