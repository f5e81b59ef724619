package meter_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/meter"
)

// failureRow is one way in which an endpoint goes wrong, each time it is asked unless
// then says what it answers later.
type failureRow struct {
	fail, answer string // what llmtest does, and what it would have said
	then         string // the next turn
	sees         string // by the caller: the kind and its reason, and when it can be tried again
	words        string // for the founder
	attempts     int    // requests that reached the endpoint
	ledger       string // when all is over: state, failure and cost of each attempt, and what was given back
	patience     func(*client.Policy)
}

// What the founder is told.
const (
	busy     = "The AI is overloaded at the moment. Nothing is lost; I try again."
	slowDown = "The AI takes no more requests from this key for the moment. Nothing is lost; I try again."
	silence  = "The AI took the question and fell silent. Nothing is lost; I try again."
	brokeOff = "The connection to the AI broke off. Nothing is lost; I try again."
	itsFault = "The AI says that something went wrong on its side. Nothing is lost; I try again."
	noAI     = "What answers at the AI's address is not an AI I can talk to. Check the address where the AI is connected."
	noModel  = "There is no model claude-sonnet-5-5 where the AI is connected, or its key may not use it. Choose another there."
	useless  = "The AI's answer could not be used."
	broke    = "The AI's provider says that this key's account is out of money or at its own limit. Look there, then go on."
	wrongKey = "The AI's provider does not accept this key. Enter another where the AI is connected."
	declined = "The AI declined to answer that. Say it in other words, or leave it out."
	tooLong  = "That is more than the AI can read at once."
	cutOff   = "The answer was cut off before it was complete, so I did not use it."
	unusable = "The AI's answer could not be used, also after I asked again."
	notTaken = "The AI's provider did not accept the question. The reference helps whoever runs this installation to find out why."
	aMinute  = ", again in a minute or two" // how the caller sees it
)

// What the endpoint would have answered.
const (
	text    = "say fine"
	formed  = `say {"colour":"red"}`
	calling = `tool look {"path":"main.go","lines":[1,200]}`
)

// failureTable is all of it. The plan pays, a prompt of 1 000 tokens costs $0.002 and an
// answer of 100 another $0.001. What broke off is estimated by what came of it: three
// bytes a token, a quarter on top, and 2 000 for thinking that was begun. What nobody
// knows is held in full until it is written off with its prompt, which is counted by its
// bytes.
func failureTable() []failureRow {
	short := 40 * time.Millisecond
	silent := func(p *client.Policy) { p.FirstByte = short }
	stalled := func(p *client.Policy) { p.Silence = short }
	stuck := func(p *client.Policy) { p.Progress = 3 * short }
	return []failureRow{
		{"", text, "", "answer", "", 1, "settled $0.003", nil},
		{"bad_request", text, "", "rejected/bad_request", notTaken, 1, "void rejected $0.00", nil},
		{"prompt_too_long", text, "", "context_too_long", tooLong, 1, "void context_too_long $0.00", nil},
		{"schema_too_large", formed, "", "rejected/schema_too_large", notTaken, 1, "void rejected $0.00", nil},
		{"history_changed", text, "", "rejected/history_changed", notTaken, 2, "2 × void rejected $0.00", nil},
		{"workspace_limit", text, "", "spend_limit", broke, 1, "void spend_limit $0.00", nil},
		{"no_credit", text, "", "spend_limit", broke, 1, "void spend_limit $0.00", nil},
		{"unauthorised", text, "", "unauthorised", wrongKey, 1, "void unauthorised $0.00", nil},
		{"billing", text, "", "spend_limit", broke, 1, "void spend_limit $0.00", nil},
		{"forbidden", text, "", "unauthorised", wrongKey, 1, "void unauthorised $0.00", nil},
		{"not_found", text, "", "rejected/unknown_model", noModel, 1, "void rejected $0.00", nil},
		{"timeout", text, "", "unavailable/server_error" + aMinute, itsFault, 3, "3 × void unavailable $0.00", nil},
		{"conflict", text, "", "unavailable/server_error" + aMinute, itsFault, 3, "3 × void unavailable $0.00", nil},
		{"too_large", text, "", "context_too_long/request_too_large", tooLong, 1, "void context_too_long $0.00", nil},
		{"rate_limited 0.005", text, "", "rate_limited" + aMinute, slowDown, 3, "3 × void rate_limited $0.00", nil},
		{"rate_limited_long", text, "", "rate_limited, again in an hour", slowDown, 1, "void rate_limited $0.00", nil},
		{"rate_limited_bare", text, "", "rate_limited" + aMinute, slowDown, 1, "void rate_limited $0.00", nil},
		{"spend_limit", text, "", "spend_limit", broke, 1, "void spend_limit $0.00", nil},
		{"server_error", text, "", "unavailable/server_error" + aMinute, itsFault, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"html_502", text, "", "unavailable/server_error" + aMinute, itsFault, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"unavailable", text, "", "unavailable/server_error" + aMinute, itsFault, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"unavailable_for_good", text, "", "unavailable/server_error" + aMinute, itsFault, 1, "unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"gateway_timeout", text, "", "unavailable/server_error" + aMinute, itsFault, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"overloaded", text, "", "overloaded" + aMinute, busy, 3, "3 × void overloaded $0.00", nil},
		{"html_200", text, "", "unreadable/not_messages_api", noAI, 1, "void unreadable $0.00", nil},
		{"whole", text, "", "unreadable/not_messages_api", noAI, 1, "unknown unreadable $0.00219 → unreadable -$0.00219", nil},
		{"redirect", text, "", "rejected/redirected", noAI, 1, "void rejected $0.00", nil},
		{"hang", text, "", "unavailable/no_first_byte" + aMinute, silence, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", silent},
		{"cut", text, "", "unavailable/connection_lost" + aMinute, brokeOff, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"error_at_once", text, "", "overloaded" + aMinute, busy, 3, "3 × void overloaded $0.00", nil},
		{"mistake_at_once", text, "", "unavailable/server_error" + aMinute, itsFault, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"error_first", text, "", "overloaded" + aMinute, busy, 3, "3 × estimated overloaded $0.00201 → overload -$0.00201", nil},
		{"error_later", text, "", "overloaded" + aMinute, busy, 1, "estimated overloaded $0.02202 → overload -$0.02202", nil},
		{"cut_stream", text, "", "unavailable/connection_lost" + aMinute, brokeOff, 3, "3 × estimated unavailable $0.02202 → overload -$0.02202", nil},
		{"eof_at_once", text, "", "unavailable/incomplete" + aMinute, brokeOff, 3, "3 × unknown unavailable $0.00219 → overload -$0.00219", nil},
		{"eof_started", text, "", "unavailable/incomplete" + aMinute, brokeOff, 3, "3 × estimated unavailable $0.00201 → overload -$0.00201", nil},
		{"eof_text", text, "", "unavailable/incomplete" + aMinute, brokeOff, 3, "3 × estimated unavailable $0.02202 → overload -$0.02202", nil},
		{"eof_stopped", text, "", "unavailable/incomplete" + aMinute, brokeOff, 3, "3 × estimated unavailable $0.02202 → overload -$0.02202", nil},
		{"stall", text, "", "unavailable/no_bytes" + aMinute, silence, 3, "3 × estimated unavailable $0.02202 → overload -$0.02202", stalled},
		{"stall_pings", text, "", "unavailable/no_progress" + aMinute, silence, 3, "3 × estimated unavailable $0.02202 → overload -$0.02202", stuck},
		{"garbled", text, "", "unavailable/garbled" + aMinute, brokeOff, 3, "3 × estimated unavailable $0.02202 → overload -$0.02202", nil},
		{"unknown_event", text, "", "answer", "", 1, "settled $0.003", nil},
		{"unknown_block", text, "", "answer", "", 1, "settled $0.003", nil},
		{"no_usage", text, "", "answer", "", 1, "estimated $0.02221", nil},
		{"no_usage_end", text, "", "answer", "", 1, "estimated $0.02202", nil},
		{"zero_usage", text, "", "answer", "", 1, "estimated $0.02221", nil},
		{"refusal", text, "", "refused", declined, 1, "settled refused $0.003", nil},
		{"refusal_later", text, "", "refused", declined, 1, "settled refused $0.003", nil},
		{"length", text, "", "truncated", cutOff, 1, "settled truncated $0.003 → unreadable -$0.003", nil},
		{"length", formed, "", "truncated", cutOff, 1, "settled truncated $0.003 → unreadable -$0.003", nil},
		{"context_full", text, "", "context_too_long", tooLong, 1, "settled context_too_long $0.003 → our_fault -$0.003", nil},
		{"cut_tool", calling, "", "truncated", cutOff, 1, "settled truncated $0.003 → unreadable -$0.003", nil},
		{"cut_tool_ended", calling, "", "truncated", cutOff, 1, "settled truncated $0.003 → unreadable -$0.003", nil},
		{"unended_tool", calling, "", "unreadable/cut_call", unusable, 3, "3 × settled unreadable $0.003 → unreadable -$0.003", nil},
		{"broken_tool", calling, "", "unreadable/cut_call", unusable, 3, "3 × settled unreadable $0.003 → unreadable -$0.003", nil},
		{"pause", text, "", "truncated/paused", cutOff, 3, "3 × settled truncated $0.003 → unreadable -$0.003", nil},
		{"odd_stop", text, "", "unreadable/unexpected_stop", useless, 1, "settled unreadable $0.003 → unreadable -$0.003", nil},
		{"empty", text, "", "unreadable/no_answer", useless, 1, "settled unreadable $0.003 → unreadable -$0.003", nil},
		{"empty", formed, "", "unreadable/no_answer", unusable, 2, "2 × settled unreadable $0.003 → unreadable -$0.003", nil},
		{"fenced", formed, "", "answer", "", 1, "settled $0.003", nil},
		{"preamble", formed, "", "answer", "", 1, "settled $0.003", nil},
		{"two_values", formed, "", "unreadable/not_json", unusable, 2, "2 × settled unreadable $0.003 → unreadable -$0.003", nil},
		{"prose", formed, "", "unreadable/not_json", unusable, 2, "2 × settled unreadable $0.003 → unreadable -$0.003", nil},
		{"wrong_form", formed, "", "unreadable/wrong_form", unusable, 2, "2 × settled unreadable $0.003 → unreadable -$0.003", nil},
		{"surrogate", text, "", "answer", "", 1, "settled $0.003", nil},
		{"invalid_utf8", text, "", "answer", "", 1, "settled $0.003", nil},
		{"invalid_utf8", formed, "", "unreadable/not_json", unusable, 2, "2 × settled unreadable $0.003 → unreadable -$0.003", nil},
		// Once, and then as it should be.
		{"overloaded", text, text, "answer", "", 2, "void overloaded $0.00, settled $0.003", nil},
		{"rate_limited 0.005", text, text, "answer", "", 2, "void rate_limited $0.00, settled $0.003", nil},
		{"cut", text, text, "answer", "", 2, "unknown unavailable $0.00219 → overload -$0.00219, settled $0.003", nil},
		{"error_first", text, text, "answer", "", 2, "estimated overloaded $0.00201 → overload -$0.00201, settled $0.003", nil},
		{"prose", formed, formed, "answer", "", 2, "settled unreadable $0.003 → unreadable -$0.003, settled $0.003", nil},
		{"unended_tool", calling, calling, "answer", "", 2, "settled unreadable $0.003 → unreadable -$0.003, settled $0.003", nil},
	}
}

// TestWhatAFailureCosts goes through everything that can go wrong at an endpoint, by the
// real client over HTTP.
func TestWhatAFailureCosts(t *testing.T) { //nolint:tparallel // its books are read when all questions are asked
	t.Parallel()
	w := newWorld(t)
	table := failureTable()
	charges := make([]meter.Charge, len(table))
	held := make([]int, len(table))
	for i := range table {
		charges[i] = w.charge(w.paidFor(t, w.confirmed(t, meter.DefaultLimits())), "run1")
	}
	t.Run("asked", func(t *testing.T) {
		for i, row := range table {
			t.Run(row.name(), func(t *testing.T) {
				t.Parallel()
				w.suffer(t, row, charges[i])
				held[i] = w.reservations(t, charges[i])
			})
		}
	})
	w.clock.Advance(16 * time.Minute)
	if _, err := w.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, row := range table {
		if got := w.books(t, charges[i]); got != row.ledger {
			t.Errorf("%s: ledger\n%s\nwant\n%s", row.name(), got, row.ledger)
		}
		if unknown := strings.Contains(row.ledger, "unknown "); unknown != (held[i] > 0) {
			t.Errorf("%s: %d attempts were held until they were swept", row.name(), held[i])
		}
	}
	checkBooks(t, w.Meter, w.clock.Now())
}

// TestFailuresAreAllThere holds the table to the list of llmtest.
func TestFailuresAreAllThere(t *testing.T) {
	t.Parallel()
	for _, f := range llmtest.Failures() {
		if !slices.ContainsFunc(failureTable(), func(r failureRow) bool { return strings.HasPrefix(r.fail+" ", f.Name+" ") }) {
			t.Errorf("no row for %s: %s", f.Name, f.Tells)
		}
	}
}

func (r failureRow) name() string {
	of, _, _ := strings.Cut(r.answer, " {")
	if r.then != "" {
		of += " once"
	}
	return cmp.Or(r.fail, "no failure") + " of " + of
}

// suffer asks once and checks what the caller sees and how often the endpoint was asked.
func (w *world) suffer(t *testing.T, row failureRow, c meter.Charge) {
	t.Helper()
	const usage = "\nusage input=1000 output=100\n"
	script := "turn\n" + row.answer + usage
	if row.fail != "" {
		script += "fail " + row.fail + "\n"
	}
	if row.then == "" {
		script += "times 0\n"
	} else {
		script += "turn\n" + row.then + usage
	}
	policy := steady()
	if row.patience != nil {
		row.patience(&policy)
	}
	server := llmtest.Start(t, script)
	model := w.patient(t, policy, func(context.Context, meter.Charge) (meter.Connection, error) {
		return meter.Connection{Endpoint: server.Endpoint(), Payer: meter.OnPlan}, nil
	})
	r := ask("What colour is it?")
	r.MaxTokens = 5000
	if strings.HasPrefix(row.answer, "say {") {
		r.Schema = form()
	}
	_, receipt, err := model.Call(t.Context(), c, r, nil)
	if err := receipt.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	sees, words := seen(err)
	if sees != row.sees || words != row.words {
		t.Errorf("the caller sees %q, %q\nwant %q, %q", sees, words, row.sees, row.words)
	}
	if got := len(server.Calls()); got != row.attempts {
		t.Errorf("%d attempts, want %d", got, row.attempts)
	}
}

// seen is what a caller can tell about an error, and the words for people.
func seen(err error) (sees, words string) {
	if err == nil {
		return "answer", ""
	}
	f, e := fault.Of(err), (*llm.Error)(nil)
	if !errors.As(err, &e) || f == nil {
		return err.Error(), ""
	}
	sees = string(e.Kind)
	if e.Reason != "" {
		sees += "/" + string(e.Reason)
	}
	switch after := e.RetryAfter; {
	case after != f.RetryAfter:
		sees += fmt.Sprintf(", again in %v for programs and %v for people", after, f.RetryAfter)
	case after >= time.Minute && after <= 2*time.Minute:
		sees += aMinute
	case after >= time.Hour && after <= time.Hour+time.Minute:
		sees += ", again in an hour"
	case after > 0:
		sees += ", again in " + after.String()
	}
	return sees, f.Detail
}

const countReservations = `SELECT count(*) FROM reservation WHERE workspace_id = $1`

// reservations counts the attempts of a team of which nobody knows what they cost.
func (w *world) reservations(t *testing.T, c meter.Charge) int {
	t.Helper()
	n := 0
	if err := w.db.QueryRow(t.Context(), countReservations, c.Actor.Workspace).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// books says what the ledger has about a team's attempts: state, failure and cost of
// each, and after an arrow what was given back and why.
func (w *world) books(t *testing.T, c meter.Charge) string {
	t.Helper()
	var attempts []string
	for _, e := range w.entries(t, c) {
		if e.Kind == meter.ACredit && len(attempts) > 0 {
			attempts[len(attempts)-1] += fmt.Sprintf(" → %s %s", e.Mistake, e.Nano)
			continue
		}
		attempts = append(attempts, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", e.State, e.Failure, e.Nano)), " "))
	}
	var list []string
	for len(attempts) > 0 {
		n := 1
		for n < len(attempts) && attempts[n] == attempts[0] {
			n++
		}
		if n > 1 {
			list = append(list, fmt.Sprintf("%d × %s", n, attempts[0]))
		} else {
			list = append(list, attempts[0])
		}
		attempts = attempts[n:]
	}
	return strings.Join(list, ", ")
}

// form asks for an object with a colour.
func form() *llm.Schema {
	return answer.New[struct {
		Colour string `json:"colour"`
	}]("colour").Schema()
}
