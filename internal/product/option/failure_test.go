package option_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/document"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
)

// connect has the founder's team reach a server from now on, with limits.
func (d *desk) connect(t *testing.T, server *llmtest.Running, month meter.NanoUSD) {
	t.Helper()
	_, err := d.connections.Save(t.Context(), d.model, d.actor, meter.Draft{
		Preset: meter.OtherServer, Name: "Ours", BaseURL: server.URL, Auth: llm.KeyHeader, Key: config.NewSecret("sk-test"),
		Models: meter.DefaultModels(), RateCard: meter.AnthropicCard,
	})
	if err != nil {
		t.Fatal(err)
	}
	l := meter.DefaultLimits()
	l.Month = meter.Ceiling(month)
	if err := d.meter.SetLimits(t.Context(), d.actor, l); err != nil {
		t.Fatal(err)
	}
}

// proposal is an answer as a model gives it: one way that does all of the scope.
func (d *desk) proposal(t *testing.T, change func(option map[string]any)) string {
	t.Helper()
	doc, err := d.documents.Get(t.Context(), d.actor, d.id, document.ScopeKind)
	if err != nil {
		t.Fatal(err)
	}
	covers := []string{}
	scope, _ := doc.Current.Content.(document.Scope) //nolint:errcheck // the kind was asked for
	for _, c := range scope.Criteria() {
		covers = append(covers, c.ID)
	}
	one := map[string]any{
		"name": "All of it", "what_you_get": []string{"A calendar of walks"}, "what_is_left_out": []string{}, "what_could_go_wrong": []string{"Two people book at once."},
		"approach": "One program.", "stack": "go", "trade_offs": []string{}, "risk_level": "low", "covers": covers, "recommended": true, "because": "It is the plainest.",
	}
	if change != nil {
		change(one)
	}
	raw, err := json.Marshal(map[string]any{"options": []any{one}, "only_one": ""})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// serve is a server that answers well, so that nothing is left of a failure.
func serve(t *testing.T, answer string) *llmtest.Running {
	t.Helper()
	return llmtest.Start(t, "turn\nsay "+strconv.Quote(answer)+"\nusage input=1000 output=100\n")
}

const wake = `UPDATE node SET wake_at = clock_timestamp() WHERE state = 'waiting' AND run_id IN (SELECT id FROM run WHERE project_id = $1)`

// wake brings the time forward for which the project's work waits. It says that it has
// trouble a moment before it waits.
func (d *desk) wake(t *testing.T) {
	t.Helper()
	for {
		tag, err := d.db.Exec(t.Context(), wake, d.id)
		if err != nil {
			t.Fatal(err)
		}
		if tag.RowsAffected() > 0 {
			return
		}
	}
}

// Every way in which an AI can go wrong: what was there stays, the founder is told in
// plain words, the work goes on by itself or can be asked for again, and the books are
// right.
func TestEachFailureOfTheAI(t *testing.T) { //nolint:tparallel // one after the other on one project
	t.Parallel()
	const (
		waits, fails = option.Writing, option.Failed
	)
	tests := []struct {
		fail string
		want option.State
		says string
	}{
		{"overloaded", waits, "overloaded"},
		{"rate_limited_long", waits, "takes no more requests"},
		{"server_error", waits, "went wrong on its side"},
		{"cut_stream", waits, "broke off"},
		{"no_credit", waits, "out of money"},
		{"unauthorised", waits, "does not accept this key"},
		{"bad_request", fails, "did not accept the question"},
		{"prompt_too_long", fails, "more than the AI can read"},
		{"refusal", fails, "declined"},
		{"length", fails, "cut off"},
		{"prose", fails, "could not be used"},
		{"wrong_form", fails, "could not be used"},
	}
	w := newWorld(t).start(t)
	d := w.tell(t, walks)
	first := d.awaitState(t, option.Written)
	for _, tt := range tests {
		t.Run(tt.fail, func(t *testing.T) { //nolint:paralleltest // one after the other on one project
			bad := llmtest.StartConfig(t, llmtest.Config{Fail: tt.fail})
			d.connect(t, bad, 30*meter.Dollar)
			before := d.look(t)
			if _, err := d.Ask(t.Context(), d.actor, d.id, option.Wanted{Feedback: "after " + tt.fail}); err != nil {
				t.Fatal(err)
			}
			told := d.await(t, "trouble", func(s option.Set) bool {
				return s.State == option.Writing && s.Trouble != "" || s.State == option.Failed
			})
			words := told.Trouble + told.Reason
			if told.State != tt.want || !strings.Contains(words, tt.says) || strings.ContainsAny(words, "{}_") && tt.want == waits {
				t.Errorf("%s, says %q, want %s with %q", told.State, words, tt.want, tt.says)
			}
			if told.ID != before.ID || len(told.Options) != len(before.Options) || told.Feedback != "after "+tt.fail {
				t.Errorf("something was lost: %+v, before %+v", told, before)
			}
			good := serve(t, d.proposal(t, nil))
			d.connect(t, good, 30*meter.Dollar)
			if tt.want == waits { // it goes on by itself
				d.wake(t)
			} else if _, err := d.Ask(t.Context(), d.actor, d.id, option.Wanted{Feedback: told.Feedback}); err != nil {
				t.Fatal(err)
			}
			after := d.await(t, "what was asked for", func(s option.Set) bool { return s.State == option.Written && s.ID != before.ID })
			if len(after.Options) != 1 || after.Trouble != "" || after.Reason != "" || after.Options[0].Risk != option.LowRisk {
				t.Errorf("afterwards %+v", after)
			}
		})
	}
	if n, err := d.meter.CheckBooks(t.Context()); err != nil || n != 0 {
		t.Errorf("%d differences in the books, %v", n, err)
	}
	// Each good answer was paid for once: 1 000 tokens in, 100 out.
	var paid int
	if err := d.db.QueryRow(t.Context(), `SELECT count(*) FROM ledger WHERE project_id = $1 AND nano = 3000000`, d.id).Scan(&paid); err != nil || paid < len(tests) {
		t.Errorf("%d answers were paid for, %v; want %d", paid, err, len(tests))
	}
	if last := d.look(t); last.Number <= first.Number || len(last.Options) != 1 {
		t.Errorf("at last %+v", last)
	}
}

// What breaks a rule of ours is repaired once: an option that leaves out what must work,
// tools that are not here, a price.
func TestAnswersAreHeldToTheRules(t *testing.T) { //nolint:tparallel // one after the other on one project
	t.Parallel()
	w := newWorld(t).start(t)
	d := w.tell(t, walks)
	d.awaitState(t, option.Written)
	for name, tt := range map[string]struct {
		change func(map[string]any)
		flaw   string
	}{
		"what must work left out":  {func(o map[string]any) { o["covers"], o["what_is_left_out"] = []string{}, []string{"All"} }, "which must work"},
		"a criterion there is not": {func(o map[string]any) { o["covers"] = []string{"crt_x"} }, "no such criterion"},
		"tools that are not here":  {func(o map[string]any) { o["stack"] = "python" }, "are not here"},
		"a price":                  {func(o map[string]any) { o["because"] = "It costs $5." }, "worked out elsewhere"},
		"none recommended":         {func(o map[string]any) { o["recommended"] = false }, "exactly one"},
		"nothing to get":           {func(o map[string]any) { o["what_you_get"] = []string{} }, "at least one thing"},
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // one after the other on one project
			server := llmtest.Start(t, "turn\nsay "+strconv.Quote(d.proposal(t, tt.change))+"\nturn\nexpect "+tt.flaw+"\nsay "+strconv.Quote(d.proposal(t, nil))+"\n")
			d.connect(t, server, 30*meter.Dollar)
			before := d.look(t)
			if _, err := d.Ask(t.Context(), d.actor, d.id, option.Wanted{}); err != nil {
				t.Fatal(err)
			}
			after := d.await(t, "a good answer", func(s option.Set) bool {
				return s.State == option.Failed || s.State == option.Written && s.ID != before.ID
			})
			if after.State != option.Written {
				t.Errorf("%s %s", after.State, after.Reason)
			}
		})
	}
}

// With an AI: nothing is ordered before limits are set; more than half of what is left is
// said in words; the ceiling is the limit of the build.
func TestCeiling(t *testing.T) {
	t.Parallel()
	d, b := ready(t)
	server := llmtest.StartConfig(t, llmtest.Config{})
	d.connect(t, server, 15*meter.Dollar)
	best, _ := d.look(t).Best()
	if best.Quote == nil || best.Quote.Free() || best.Tight == "" {
		t.Fatalf("with an AI %+v", best)
	}
	d.refuses(t, "what was free", b, "conflict price_changed see ceiling")
	b.Ceiling = best.Quote.Ceiling()
	d.refuses(t, "without a word", b, "conflict confirm_needed see confirm")
	b.Confirm = "yes"
	d.refuses(t, "with another word", b, "conflict confirm_needed see confirm")
	b.Confirm = " " + strings.ToUpper(option.ConfirmWords(b.Ceiling))
	order, err := d.BuildThis(t.Context(), d.actor, d.id, b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.meter.RunStanding(t.Context(), d.actor, string(order.Run))
	if err != nil || !s.Set || s.Period.Limit == nil || *s.Period.Limit != b.Ceiling {
		t.Errorf("the limit of the build %+v, %v; want %s", s, err, b.Ceiling)
	}
	// The decision says what was agreed to.
	page, err := d.journeys.Decision(t.Context(), d.actor, d.id, order.Decision)
	if err != nil || !strings.Contains(page.Words, "up to "+b.Ceiling.String()) || !strings.Contains(page.Words, "questions wait for me") {
		t.Errorf("decision %+v, %v", page, err)
	}
}

// A wish is kept without an AI, priced with one, and priced anew in other words.
func TestWishes(t *testing.T) {
	t.Parallel()
	d, _ := ready(t)
	_, err := d.WishFor(t.Context(), d.actor, d.id, " ")
	faulttest.Wants(t, "an empty wish", err, "invalid text")
	kept, err := d.WishFor(t.Context(), d.actor, d.id, "Send me a <b>mail</b> the evening before.")
	if err != nil || kept.Pricing != option.NoPrice || kept.Note != "I kept your wish; with an AI connected I will price it." || kept.Quote != nil {
		t.Fatalf("kept %+v, %v", kept, err)
	}
	_, err = d.PriceWish(t.Context(), d.actor, d.id, kept.ID)
	faulttest.Wants(t, "a price without an AI", err, "conflict no_ai see")

	server := llmtest.Start(t, `turn when evening before
say {"kind":"new","says":"A mail the evening before.","must":1,"also":1}
turn when two days before
fail refusal
say no
turn when a day before
say {"kind":"small","says":"A mail a day before.","must":1,"also":0}
`)
	d.connect(t, server, 30*meter.Dollar)
	priced := func(w option.WishID, ok func(option.Wish) bool) option.Wish {
		var got option.Wish
		d.follow(t, "a price", func() bool {
			all, err := d.Wishes(t.Context(), d.actor, d.id)
			if err != nil || len(all) != 1 || all[0].ID != w {
				t.Fatalf("wishes %+v, %v", all, err)
			}
			got = all[0]
			return ok(got)
		})
		return got
	}
	if _, err = d.PriceWish(t.Context(), d.actor, d.id, kept.ID); err != nil {
		t.Fatal(err)
	}
	got := priced(kept.ID, func(w option.Wish) bool { return w.Pricing == option.Priced })
	if got.Quote == nil || got.Quote.Free() || got.Says != "A mail the evening before." || got.Note != "" || got.Text != kept.Text {
		t.Errorf("priced %+v", got)
	}
	change := func(text string) option.Wish {
		yes := true
		w, err := d.ChangeWish(t.Context(), d.actor, d.id, kept.ID, option.WishChange{Text: &text, Ticked: &yes})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := change("A mail two days before."); w.Pricing != option.Working || w.Quote != nil || w.Says != "" || !w.Ticked {
		t.Errorf("in other words %+v", w)
	}
	got = priced(kept.ID, func(w option.Wish) bool { return w.Pricing == option.NotPossible })
	if !strings.Contains(got.Note, "declined") || got.Text != "A mail two days before." {
		t.Errorf("declined %+v", got)
	}
	change("A mail a day before.")
	if got = priced(kept.ID, func(w option.Wish) bool { return w.Pricing == option.Priced }); got.Revision != 3 {
		t.Errorf("priced anew %+v", got)
	}
	if err := d.RemoveWish(t.Context(), d.actor, d.id, kept.ID); err != nil {
		t.Fatal(err)
	}
	faulttest.Wants(t, "removed twice", d.RemoveWish(t.Context(), d.actor, d.id, kept.ID), "not_found")
	if n, err := d.meter.CheckBooks(t.Context()); err != nil || n != 0 {
		t.Errorf("%d differences in the books, %v", n, err)
	}
}
