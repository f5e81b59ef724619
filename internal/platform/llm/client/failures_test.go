package client_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
)

// failureRow is one way to go wrong, what is asked for, and what the caller sees when
// it happens every time and when it happens once: the error or the answer, after how
// many attempts, whether trying later can help, and after the colon how each failed
// attempt was accounted for.
type failureRow struct {
	fail, answer string
	always, once string
	change       func(*client.Policy)
}

// failureTable is what callers can rely on.
func failureTable() []failureRow {
	const (
		text  = "say Hello there, founder."
		json  = `say {"name":"Pawbook, the calendar of dogs"}`
		tools = `tool look {"path":"main.go","lines":[1,200]}`
	)
	short := 40 * time.Millisecond
	return []failureRow{
		// Refused before anything was generated: nothing is billed.
		{"bad_request", text, "rejected/bad_request after 1: void", "rejected/bad_request after 1: void", nil},
		{"prompt_too_long", text, "context_too_long after 1: void", "context_too_long after 1: void", nil},
		{"schema_too_large", json, "rejected/schema_too_large after 1: void", "rejected/schema_too_large after 1: void", nil},
		{"history_changed", text, "rejected/history_changed after 2: void void", "answer after 2: void", nil},
		{"workspace_limit", text, "spend_limit after 1: void", "spend_limit after 1: void", nil},
		{"no_credit", text, "spend_limit after 1: void", "spend_limit after 1: void", nil},
		{"unauthorised", text, "unauthorised after 1: void", "unauthorised after 1: void", nil},
		{"billing", text, "spend_limit after 1: void", "spend_limit after 1: void", nil},
		{"forbidden", text, "unauthorised after 1: void", "unauthorised after 1: void", nil},
		{"not_found", text, "rejected/unknown_model after 1: void", "rejected/unknown_model after 1: void", nil},
		{"timeout", text, "unavailable/server_error after 3, later: void void void", "answer after 2: void", nil},
		{"conflict", text, "unavailable/server_error after 3, later: void void void", "answer after 2: void", nil},
		{"too_large", text, "context_too_long/request_too_large after 1: void", "context_too_long/request_too_large after 1: void", nil},
		{"rate_limited 0.005", text, "rate_limited after 3, later: void void void", "answer after 2: void", nil},
		{"rate_limited_long", text, "rate_limited after 1, later: void", "rate_limited after 1, later: void", nil},
		{"rate_limited_bare", text, "rate_limited after 1, later: void", "rate_limited after 1, later: void", nil},
		{"spend_limit", text, "spend_limit after 1: void", "spend_limit after 1: void", nil},
		// A mistake on the other side: what was done before it, nobody knows.
		{"server_error", text, "unavailable/server_error after 3, later: unknown unknown unknown", "answer after 2: unknown", nil},
		{"html_502", text, "unavailable/server_error after 3, later: unknown unknown unknown", "answer after 2: unknown", nil},
		{"unavailable", text, "unavailable/server_error after 3, later: unknown unknown unknown", "answer after 2: unknown", nil},
		{"unavailable_for_good", text, "unavailable/server_error after 1, later: unknown", "unavailable/server_error after 1, later: unknown", nil},
		{"gateway_timeout", text, "unavailable/server_error after 3, later: unknown unknown unknown", "answer after 2: unknown", nil},
		{"overloaded", text, "overloaded after 3, later: void void void", "answer after 2: void", nil},
		{"html_200", text, "unreadable/not_messages_api after 1: void", "unreadable/not_messages_api after 1: void", nil},
		{"whole", text, "unreadable/not_messages_api after 1: unknown", "unreadable/not_messages_api after 1: unknown", nil},
		{"redirect", text, "rejected/redirected after 1: void", "rejected/redirected after 1: void", nil},
		// Silence.
		{"hang", text, "unavailable/no_first_byte after 3, later: unknown unknown unknown", "", func(p *client.Policy) { p.FirstByte = short }},
		{"cut", text, "unavailable/connection_lost after 3, later: unknown unknown unknown", "answer after 2: unknown", nil},
		// Broken streams: paid for, by an amount that is not told.
		{"error_at_once", text, "overloaded after 3, later: void void void", "answer after 2: void", nil},
		{"mistake_at_once", text, "unavailable/server_error after 3, later: unknown unknown unknown", "answer after 2: unknown", nil},
		{"error_first", text, "overloaded after 3, later: estimated estimated estimated", "answer after 2: estimated", nil},
		{"error_later", text, "overloaded after 1, later: estimated", "overloaded after 1, later: estimated", nil},
		{"cut_stream", text, "unavailable/connection_lost after 3, later: estimated estimated estimated", "answer after 2: estimated", nil},
		{"eof_at_once", text, "unavailable/incomplete after 3, later: unknown unknown unknown", "answer after 2: unknown", nil},
		{"eof_started", text, "unavailable/incomplete after 3, later: estimated estimated estimated", "answer after 2: estimated", nil},
		{"eof_text", text, "unavailable/incomplete after 3, later: estimated estimated estimated", "answer after 2: estimated", nil},
		{"eof_stopped", text, "unavailable/incomplete after 3, later: estimated estimated estimated", "answer after 2: estimated", nil},
		{"stall", text, "unavailable/no_bytes after 3, later: estimated estimated estimated", "", func(p *client.Policy) { p.Silence = short }},
		{"stall_pings", text, "unavailable/no_progress after 3, later: estimated estimated estimated", "", func(p *client.Policy) { p.Progress = 3 * short }},
		{"garbled", text, "unavailable/garbled after 3, later: estimated estimated estimated", "answer after 2: estimated", nil},
		{"unknown_event", text, "answer after 1", "answer after 1", nil},
		{"unknown_block", text, "answer after 1", "answer after 1", nil},
		{"no_usage", text, "answer after 1", "answer after 1", nil},
		{"no_usage_end", text, "answer after 1", "answer after 1", nil},
		{"zero_usage", text, "answer after 1", "answer after 1", nil},
		// Complete, paid for in full, and not an answer.
		{"refusal", text, "refused after 1: settled", "refused after 1: settled", nil},
		{"refusal_later", text, "refused after 1: settled", "refused after 1: settled", nil},
		{"length", text, "truncated after 1: settled", "truncated after 1: settled", nil},
		{"length", json, "truncated after 1: settled", "truncated after 1: settled", nil},
		{"context_full", text, "context_too_long after 1: settled", "context_too_long after 1: settled", nil},
		{"cut_tool", tools, "truncated after 1: settled", "truncated after 1: settled", nil},
		{"cut_tool_ended", tools, "truncated after 1: settled", "truncated after 1: settled", nil},
		{"unended_tool", tools, "unreadable/cut_call after 3: settled settled settled", "answer after 2: settled", nil},
		{"broken_tool", tools, "unreadable/cut_call after 3: settled settled settled", "answer after 2: settled", nil},
		{"pause", text, "truncated/paused after 3: settled settled settled", "answer after 2: settled", nil},
		{"pause", tools, "truncated/paused after 3: settled settled settled", "answer after 2: settled", nil},
		{"odd_stop", text, "unreadable/unexpected_stop after 1: settled", "unreadable/unexpected_stop after 1: settled", nil},
		{"empty", text, "unreadable/no_answer after 1: settled", "unreadable/no_answer after 1: settled", nil},
		{"empty", json, "unreadable/no_answer after 2: settled settled", "answer after 2: settled", nil},
		{"fenced", json, "answer after 1", "answer after 1", nil},
		{"preamble", json, "answer after 1", "answer after 1", nil},
		{"two_values", json, "unreadable/not_json after 2: settled settled", "answer after 2: settled", nil},
		{"prose", json, "unreadable/not_json after 2: settled settled", "answer after 2: settled", nil},
		{"wrong_form", json, "unreadable/wrong_form after 2: settled settled", "answer after 2: settled", nil},
		{"surrogate", text, "answer after 1", "answer after 1", nil},
		{"invalid_utf8", text, "answer after 1", "answer after 1", nil},
		{"invalid_utf8", json, "unreadable/not_json after 2: settled settled", "answer after 2: settled", nil},
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, c := range failureTable() {
		kind, _, _ := strings.Cut(c.answer, " ")
		for when, want := range map[string]string{"always": c.always, "once": c.once} {
			if want == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s", c.fail, kind, when), func(t *testing.T) {
				t.Parallel()
				script := "turn\n" + c.answer + "\nfail " + c.fail + "\ntimes 0\n"
				if when == "once" {
					script = "turn\n" + c.answer + "\nfail " + c.fail + "\nturn\ntimes 0\n" + c.answer
				}
				turns, err := llmtest.Parse(script)
				if err != nil {
					t.Fatal(err)
				}
				srv := llmtest.StartConfig(t, llmtest.Config{Script: turns})
				cfg := client.Config{Policy: quick()}
				if c.change != nil {
					c.change(&cfg.Policy)
				}
				req := ask("A secret of the founder's.")
				if strings.HasPrefix(c.answer, `say {`) {
					req.Schema = form()
				}
				money := &till{}
				res, bill, err := newClient(t, cfg).Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
				if got := shows(res, err, money); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if n := len(srv.Calls()); n != len(money.attempts) {
					t.Errorf("%d requests were made, %d admitted", n, len(money.attempts))
				}
				if (err == nil) != (bill.Ticket != nil) {
					t.Errorf("error %v, but ticket %v", err, bill.Ticket)
				}
				checkQuiet(t, err)
			})
		}
	}
}

// checkQuiet wants an error that shows nothing of prompt, answer, address or key.
func checkQuiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
			for _, secret := range []string{"secret", "sk-test", "127.0.0.1", "Hello", "Pawbook", "main.go", "organization"} {
				if strings.Contains(text, secret) {
					t.Errorf("the error shows %q: %s", secret, text)
				}
			}
		}
	}
}

// TestFailuresAreAllThere holds the table to the list of llmtest.
func TestFailuresAreAllThere(t *testing.T) {
	t.Parallel()
	for _, f := range llmtest.Failures() {
		if !slices.ContainsFunc(failureTable(), func(c failureRow) bool { return strings.Fields(c.fail)[0] == f.Name }) {
			t.Errorf("no row for %s: %s", f.Name, f.Tells)
		}
	}
}
