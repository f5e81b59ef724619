package meter_test

import (
	"strings"
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

// rows says what the ledger has about a step, a row a line: kind, state, failure and
// cost, or reason and what is given back.
func (w *world) rows(t *testing.T, c meter.Charge) []string {
	t.Helper()
	var list []string
	err := w.Entries(t.Context(), c.Actor, meter.Filter{Run: c.Run}, func(e meter.Entry) error {
		line := []string{string(e.State), string(e.Failure), e.Nano.String()}
		if e.Kind == meter.ACredit {
			line = []string{"credit", string(e.Mistake), e.Listed.String(), e.Nano.String()}
		}
		list = append(list, strings.Join(strings.Fields(strings.Join(line, " ")), " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// form asks for an object with a colour.
func form() *llm.Schema {
	return &llm.Schema{
		Title: "colour",
		JSON:  []byte(`{"title":"colour","type":"object","additionalProperties":false,"required":["colour"],"properties":{"colour":{"type":"string"}}}`),
	}
}

// TestWhatAFailureCosts goes through what can go wrong at an endpoint: what the caller
// sees, and what the ledger says about each attempt. A prompt of 1 000 tokens costs
// $0.002, an answer of 100 another $0.001.
func TestWhatAFailureCosts(t *testing.T) {
	t.Parallel()
	const usage = "usage input=1000 output=100\n"
	const ok = "turn\nsay fine\n" + usage
	tests := []struct {
		name   string
		script string
		schema bool
		code   string // of the fault; "" for an answer
		kind   llm.Kind
		want   []string
	}{
		{"answered", ok, false, "", "", []string{"settled $0.003"}},
		{
			"overloaded, then answered", "turn\nfail overloaded\n" + ok, false, "", "",
			[]string{"void overloaded $0.00", "settled $0.003"},
		},
		{
			"overloaded for good", "turn\ntimes 3\nfail overloaded\n", false, "ai_overloaded", llm.Overloaded,
			[]string{"void overloaded $0.00", "void overloaded $0.00", "void overloaded $0.00"},
		},
		{
			"rate limited for an hour", "turn\nfail rate_limited_long\n", false, "ai_rate_limited", llm.RateLimited,
			[]string{"void rate_limited $0.00"},
		},
		{"out of money", "turn\nfail spend_limit\n", false, "ai_out_of_money", llm.SpendLimit, []string{"void spend_limit $0.00"}},
		{"wrong key", "turn\nfail unauthorised\n", false, "ai_key_refused", llm.Unauthorised, []string{"void unauthorised $0.00"}},
		{"too long", "turn\nfail prompt_too_long\n", false, "ai_too_long", llm.ContextTooLong, []string{"void context_too_long $0.00"}},
		{"our request is wrong", "turn\nfail bad_request\n", false, "ai_rejected", llm.Rejected, []string{"void rejected $0.00"}},
		{
			"declined", "turn\nsay no\nfail refusal\n" + usage, false, "ai_declined", llm.Refused,
			[]string{"settled refused $0.003"}, // its work, and nobody's mistake
		},
		{
			"cut off", "turn\nsay a long story\nfail length\n" + usage, false, "ai_cut_off", llm.Truncated,
			[]string{"settled truncated $0.003", "credit unreadable $0.003 -$0.003"},
		},
		{
			"unreadable, then repaired", "turn\nsay x\nfail prose\n" + usage + "turn\nsay {\"colour\":\"red\"}\n" + usage, true, "", "",
			[]string{"settled unreadable $0.003", "credit unreadable $0.003 -$0.003", "settled $0.003"},
		},
		{
			"unreadable twice", "turn\ntimes 2\nsay x\nfail prose\n" + usage, true, "ai_unreadable", llm.Unreadable,
			[]string{"settled unreadable $0.003", "credit unreadable $0.003 -$0.003", "settled unreadable $0.003", "credit unreadable $0.003 -$0.003"},
		},
		{
			// Three letters are taken for 2 tokens and its thinking, which is not shown,
			// for 2 000: 1 000 × $2 + 2 002 × $10 a million.
			"overloaded in the middle", "turn\nsay abc\nfail error_later\n" + usage, false, "ai_overloaded", llm.Overloaded,
			[]string{"estimated overloaded $0.02202", "credit overload $0.02202 -$0.02202"},
		},
		{
			"broke off before a word", "turn\ntimes 3\nfail cut\n", false, "ai_unavailable", llm.Unavailable,
			nil, // nobody knows: reserved until it is swept
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			owner := w.owner()
			if err := w.SetLimits(t.Context(), owner, meter.DefaultLimits()); err != nil {
				t.Fatal(err)
			}
			server := llmtest.Start(t, tt.script)
			model := w.newModel(t, meter.Connection{Endpoint: server.Endpoint(), Payer: meter.OnPlan})
			c := w.charge(owner, "run1")
			r := ask("What colour is it?")
			r.MaxTokens = 5000
			if tt.schema {
				r.Schema = form()
			}
			_, receipt, err := model.Call(t.Context(), c, r, nil)
			if err := receipt.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			code := ""
			if err != nil {
				code = fault.Of(err).Code
			}
			if code != tt.code || llm.KindOf(err) != tt.kind {
				t.Errorf("error %v: %q, %q; want %q, %q", err, code, llm.KindOf(err), tt.code, tt.kind)
			}
			if diff := cmp.Diff(tt.want, w.rows(t, c)); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
			if _, err := w.Fold(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkBooks(t, w.Meter, w.clock.Now())
		})
	}
}
