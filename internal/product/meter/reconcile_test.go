package meter_test

import (
	"testing"
	"time"

	"cofounder/internal/platform/llm"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

// TestReconcile breaks books that are in order in every way there is a rule for.
func TestReconcile(t *testing.T) {
	t.Parallel()
	limit := int64(100_000_000)
	call := func(id meter.EntryID) meter.Entry {
		return meter.Entry{
			ID: id, Kind: meter.ACall, Day: day, Workspace: "wsp_1", Run: "run1", Step: "turn/" + string(id), Attempt: 1,
			Payer: meter.OnPlan, Model: sonnet, State: llm.Settled, Input: 1000, Output: 100,
			InputRate: 2_000_000, OutputRate: 10_000_000, Reserved: 50_000_000, Nano: 3_000_000, Weighed: 1500,
		}
	}
	about := func(kind meter.Kind, of meter.EntryID, change func(*meter.Entry)) meter.Entry {
		e := meter.Entry{ID: of + "/" + meter.EntryID(kind), Kind: kind, Day: day, Payer: meter.OnPlan, Model: sonnet, Of: &of}
		change(&e)
		return e
	}
	good := func() meter.Books {
		return meter.Books{
			Accounts: []meter.Account{{
				Budget: "wsp_1", Window: meter.Period, Unit: meter.InNanoUSD, Limit: &limit,
				Spent: 6_000_000, BookedSpent: 6_000_000, Reserved: 50_000_000, BookedReserved: 50_000_000,
			}},
			Entries: []meter.Entry{
				call("a"), call("b"), call("c"),
				about(meter.ACredit, "c", func(e *meter.Entry) { e.Listed, e.Nano, e.Weighed = 3_000_000, -3_000_000, -1500 }),
			},
			First: day, Last: day,
			Invoiced: []meter.Invoiced{{Day: day, Model: sonnet, Nano: 9_000_000}},
		}
	}
	stated := meter.Line{Key: "2026-11-23", Calls: 3, Cost: 6_000_000, Mistakes: 3_000_000}
	for _, tt := range []struct {
		name  string
		spoil func(*meter.Books)
		want  []meter.Discrepancy
	}{
		{"in order", func(*meter.Books) {}, nil},
		{"no report of the provider's", func(b *meter.Books) { b.Invoiced = nil }, nil},
		{
			"spent is not the ledger", func(b *meter.Books) { b.Accounts[0].Spent++ },
			[]meter.Discrepancy{{Rule: meter.RuleSpent, Subject: "wsp_1 period nano_usd", Want: 6_000_000, Got: 6_000_001}},
		},
		{
			"reserved is not what is open", func(b *meter.Books) { b.Accounts[0].BookedReserved = 0 },
			[]meter.Discrepancy{{Rule: meter.RuleReserved, Subject: "wsp_1 period nano_usd", Want: 0, Got: 50_000_000}},
		},
		{
			"over its limit", func(b *meter.Books) {
				b.Accounts[0].Reserved, b.Accounts[0].BookedReserved = 94_000_001, 94_000_001
			},
			[]meter.Discrepancy{{Rule: meter.RuleLimit, Subject: "wsp_1 period nano_usd", Want: limit, Got: limit + 1}},
		},
		{
			"over a limit that is only pacing", func(b *meter.Books) {
				b.Accounts[0].Reserved, b.Accounts[0].BookedReserved, b.Accounts[0].Elastic = 94_000_001, 94_000_001, true
			}, nil,
		},
		{"exactly at its limit", func(b *meter.Books) { b.Accounts[0].Reserved, b.Accounts[0].BookedReserved = 94_000_000, 94_000_000 }, nil},
		{
			"a price that is not its tokens'", func(b *meter.Books) { b.Entries[0].Output++ },
			[]meter.Discrepancy{{Rule: meter.RulePrice, Subject: "a", Want: 3_010_000, Got: 3_000_000}},
		},
		{
			"a void call that cost something", func(b *meter.Books) { b.Entries[0].State = llm.Void },
			[]meter.Discrepancy{{Rule: meter.RulePrice, Subject: "a", Want: 0, Got: 3_000_000}},
		},
		{
			"an estimate beyond its reservation", func(b *meter.Books) { b.Entries[0].State, b.Entries[0].Reserved = llm.Estimated, 2_999_999 },
			[]meter.Discrepancy{
				{Rule: meter.RulePrice, Subject: "a", Want: 2_999_999, Got: 3_000_000},
				{Rule: meter.RuleWorst, Subject: "a", Want: 2_999_999, Got: 3_000_000},
			},
		},
		{
			"beyond its worst case", func(b *meter.Books) { b.Entries[0].Reserved = 2_000_000 },
			[]meter.Discrepancy{{Rule: meter.RuleWorst, Subject: "a", Want: 2_000_000, Got: 3_000_000}},
		},
		{
			"an attempt twice", func(b *meter.Books) { b.Entries[1].Step = b.Entries[0].Step },
			[]meter.Discrepancy{{Rule: meter.RuleOnce, Subject: "wsp_1/run1//0/turn/a/1", Want: 1, Got: 2}},
		},
		{
			"given back less than it cost", func(b *meter.Books) { b.Entries[3].Nano++ },
			[]meter.Discrepancy{{Rule: meter.RuleBack, Subject: "c/credit", Want: -3_000_000, Got: -2_999_999}},
		},
		{
			"given back where the provider was paid", func(b *meter.Books) { b.Entries[3].Payer = meter.OwnKey },
			[]meter.Discrepancy{{Rule: meter.RuleBack, Subject: "c/credit", Want: 0, Got: -3_000_000}},
		},
		{
			"listed at another price", func(b *meter.Books) { b.Entries[3].Listed = 1 },
			[]meter.Discrepancy{{Rule: meter.RuleListed, Subject: "c/credit", Want: 3_000_000, Got: 1}},
		},
		{
			"a credit of nothing", func(b *meter.Books) { b.Entries[3].Of = nil },
			[]meter.Discrepancy{{Rule: meter.RuleDangling, Subject: "c/credit", Want: 1, Got: 0}},
		},
		{
			"billed late", func(b *meter.Books) {
				b.Entries = append(b.Entries, about(meter.ALate, "a", func(e *meter.Entry) { e.Uncounted = 7 }))
				b.Invoiced[0].Nano += 7
			},
			[]meter.Discrepancy{{Rule: meter.RuleLate, Subject: "a/late", Want: 0, Got: 7}},
		},
		{
			"a statement of another cost", func(b *meter.Books) { b.Stated = []meter.Line{stated}; b.Stated[0].Cost-- },
			[]meter.Discrepancy{{Rule: meter.RuleStated, Subject: "2026-11-23 cost", Want: 6_000_000, Got: 5_999_999}},
		},
		{
			"a statement of other mistakes and calls", func(b *meter.Books) { b.Stated = []meter.Line{{Key: stated.Key, Calls: 4, Cost: stated.Cost}} },
			[]meter.Discrepancy{
				{Rule: meter.RuleStated, Subject: "2026-11-23 mistakes", Want: 3_000_000, Got: 0},
				{Rule: meter.RuleStated, Subject: "2026-11-23 calls", Want: 3, Got: 4},
			},
		},
		{
			"a statement without a day", func(b *meter.Books) { b.Stated = []meter.Line{} },
			[]meter.Discrepancy{
				{Rule: meter.RuleStated, Subject: "2026-11-23 cost", Want: 6_000_000, Got: 0},
				{Rule: meter.RuleStated, Subject: "2026-11-23 mistakes", Want: 3_000_000, Got: 0},
				{Rule: meter.RuleStated, Subject: "2026-11-23 calls", Want: 3, Got: 0},
			},
		},
		{
			"a statement with a day too many", func(b *meter.Books) { b.Stated = []meter.Line{stated, {Key: "2026-11-24", Calls: 1}} },
			[]meter.Discrepancy{{Rule: meter.RuleStated, Subject: "2026-11-24 calls", Want: 0, Got: 1}},
		},
		{"statements as the ledger has it", func(b *meter.Books) { b.Stated = []meter.Line{stated} }, nil},
		{
			"nobody sweeps", func(b *meter.Books) { b.Expired = []meter.EntryID{"d"} },
			[]meter.Discrepancy{{Rule: meter.RuleSwept, Subject: "d", Want: 0, Got: 1}},
		},
		{
			"the provider bills more", func(b *meter.Books) { b.Invoiced[0].Nano++ },
			[]meter.Discrepancy{{Rule: meter.RuleInvoice, Subject: "2026-11-23 " + sonnet, Want: 9_000_001, Got: 9_000_000}},
		},
		{
			"the provider bills another model", func(b *meter.Books) { b.Invoiced[0].Model = opus },
			[]meter.Discrepancy{
				{Rule: meter.RuleInvoice, Subject: "2026-11-23 " + opus, Want: 9_000_000, Got: 0},
				{Rule: meter.RuleInvoice, Subject: "2026-11-23 " + sonnet, Want: 0, Got: 9_000_000},
			},
		},
		{
			"the provider bills another day", func(b *meter.Books) { b.Invoiced[0].Day = day.Add(24 * time.Hour) },
			[]meter.Discrepancy{
				{Rule: meter.RuleInvoice, Subject: "2026-11-23 " + sonnet, Want: 0, Got: 9_000_000},
				{Rule: meter.RuleInvoice, Subject: "2026-11-24 " + sonnet, Want: 9_000_000, Got: 0},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := good()
			tt.spoil(&b)
			if diff := cmp.Diff(tt.want, meter.Reconcile(b)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}
