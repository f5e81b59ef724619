package llmtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cofounder/internal/platform/llm/wire"
)

// Failure is a way to go wrong. At most one of its functions is set: one changes
// the answer, one its stream, one does something else instead.
type Failure struct {
	Name  string
	Tells string // what happens, in a line
	// Answers is true when what comes is still a complete answer of the protocol.
	Answers bool
	answer  func(*exchange)
	stream  func(*exchange)
	instead func(*exchange)
}

// Failures lists every way to go wrong, for tables and help pages.
func Failures() []Failure {
	return slices.Concat(refusals(), silences(), streams(), answers())
}

// failure returns the one of that name; the empty name is none.
func failure(name string) (Failure, error) {
	if name == "" {
		return Failure{}, nil
	}
	all := Failures()
	i := slices.IndexFunc(all, func(f Failure) bool { return f.Name == name })
	if i < 0 {
		return Failure{}, fmt.Errorf("no such failure: %s", name)
	}
	return all[i], nil
}

func status(name string, e wire.Error, tells string) Failure {
	return Failure{Name: name, Tells: tells, instead: func(x *exchange) { x.refuse(e) }}
}

// later is a status that comes with a time to wait, in seconds.
func later(name string, e wire.Error, wait, tells string) Failure {
	return Failure{Name: name, Tells: tells, instead: func(x *exchange) {
		if s := cmp.Or(x.turn.Value, wait); s != "" {
			x.w.Header().Set("Retry-After", s)
		}
		x.refuse(e)
	}}
}

// refusals are answered before anything is generated.
func refusals() []Failure {
	const overloaded = 529
	limited := wire.Error{Status: http.StatusTooManyRequests, Type: "rate_limit_error", Message: "This request would exceed your organization's rate limit."}
	capped := limited
	capped.Code, capped.Message = "enforced_spend_limit_reached", "You have reached the monthly spend limit of this organization."
	invalid := func(message string) wire.Error { return *wire.Invalid(message) }
	return []Failure{
		status("bad_request", invalid("messages.0.content.0.text: Input should be a valid string"), "400, we sent something wrong"),
		status("prompt_too_long", invalid("prompt is too long: 1000001 tokens > 1000000 maximum"), "400, the conversation is too long"),
		status("schema_too_large", invalid("The compiled grammar is too large, which would cause performance issues."), "400, the schema is too much"),
		status("history_changed", invalid("messages.1.content.0: Invalid `signature` in `thinking` block"), "400, thinking that does not fit what is before it"),
		status("workspace_limit", invalid("This request would exceed your workspace's spend limit."), "400, the workspace's own cap is reached"),
		status("no_credit", invalid("Your credit balance is too low to access the Anthropic API."), "400, the account is empty"),
		status("unauthorised", wire.Error{Status: 401, Type: "authentication_error", Message: "invalid x-api-key"}, "401, a wrong key"),
		status("billing", wire.Error{Status: 402, Type: "billing_error", Message: "There is an issue with your billing."}, "402, unpaid"),
		status("forbidden", wire.Error{Status: 403, Type: "permission_error", Message: "Your API key does not have permission to use this model."}, "403, a key that may not"),
		status("not_found", wire.Error{Status: 404, Type: "not_found_error", Message: "model: this-one"}, "404, no such model"),
		status("timeout", wire.Error{Status: 408, Type: "timeout_error", Message: "Request timed out."}, "408"),
		status("conflict", wire.Error{Status: 409, Type: "conflict_error", Message: "Conflict."}, "409"),
		status("too_large", wire.Error{Status: 413, Type: "request_too_large", Message: "Request exceeds the maximum size."}, "413, more than 32 MB"),
		later("rate_limited", limited, "1", "429 with Retry-After: VALUE seconds (1)"),
		later("rate_limited_long", limited, "3600", "429 with Retry-After: an hour"),
		later("rate_limited_bare", limited, "", "429 without Retry-After"),
		status("spend_limit", capped, "429, the month's spend cap"),
		status("server_error", wire.Error{Status: 500, Type: "api_error", Message: "Internal server error"}, "500"),
		{Name: "html_502", Tells: "502 with a page of something in between", instead: func(x *exchange) { x.page(http.StatusBadGateway) }},
		later("unavailable", wire.Error{Status: 503, Type: "api_error", Message: "Service unavailable"}, "", "503, with Retry-After: VALUE"),
		{Name: "unavailable_for_good", Tells: "503, with the word that asking again is of no use", instead: func(x *exchange) {
			x.w.Header().Set("X-Should-Retry", "false")
			x.refuse(wire.Error{Status: http.StatusServiceUnavailable, Type: "api_error", Message: "Service unavailable"})
		}},
		status("gateway_timeout", wire.Error{Status: 504, Type: "timeout_error", Message: "Gateway timeout"}, "504"),
		status("overloaded", wire.Error{Status: overloaded, Type: "overloaded_error", Message: "Overloaded"}, "529"),
		{Name: "html_200", Tells: "200 with a page, as hotel networks do", instead: func(x *exchange) { x.page(http.StatusOK) }},
		{Name: "whole", Tells: "200 and the whole answer, though a stream was asked for", instead: (*exchange).inOne},
		{Name: "redirect", Tells: "307 to another host", instead: func(x *exchange) {
			x.w.Header().Set("Location", cmp.Or(x.turn.Value, "http://127.0.0.1:1/v1/messages"))
			x.w.WriteHeader(http.StatusTemporaryRedirect)
		}},
	}
}

// silences end or hang before an answer begins.
func silences() []Failure {
	return []Failure{
		{Name: "hang", Tells: "takes the request and says nothing", instead: (*exchange).hang},
		{Name: "cut", Tells: "takes the request and breaks off", instead: (*exchange).cut},
	}
}

// firstText matches the first piece of text or tool input that is not empty.
func firstText(e wire.SSE) bool {
	return e.Name == "content_block_delta" && !bytes.Contains(e.Data, []byte(`"signature"`)) && !bytes.Contains(e.Data, []byte(`"partial_json":""`))
}

// streams begin well.
func streams() []Failure {
	busy := wire.Error{Type: "overloaded_error", Message: "Overloaded"}
	trouble := wire.SSE{Name: "error", Data: busy.Body("")}
	stopAt := func(match func(wire.SSE) bool, after func(*exchange)) func(*exchange) {
		return func(x *exchange) {
			x.upTo(match)
			x.after = func() {
				if after != nil {
					after(x)
				}
			}
		}
	}
	fails := func(match func(wire.SSE) bool) func(*exchange) {
		return func(x *exchange) {
			x.upTo(match)
			x.events = append(x.events, trouble)
		}
	}
	return []Failure{
		{Name: "error_at_once", Tells: "200, then an overload as the first event", stream: func(x *exchange) { x.events = []wire.SSE{trouble} }},
		{Name: "mistake_at_once", Tells: "200, then a mistake of the server's own as the first event", stream: func(x *exchange) {
			mistake := wire.Error{Type: "api_error", Message: "Internal server error"}
			x.events = []wire.SSE{{Name: "error", Data: mistake.Body("")}}
		}},
		{Name: "error_first", Tells: "an overload before any content", stream: fails(named("ping"))},
		{Name: "error_later", Tells: "an overload after some content", stream: fails(firstText)},
		{Name: "cut_stream", Tells: "breaks off after some content", stream: stopAt(firstText, (*exchange).cut)},
		{Name: "eof_at_once", Tells: "200 and nothing", stream: func(x *exchange) { x.events = nil }},
		{Name: "eof_started", Tells: "ends cleanly after message_start", stream: stopAt(named("message_start"), nil)},
		{Name: "eof_text", Tells: "ends cleanly after some content", stream: stopAt(firstText, nil)},
		{Name: "eof_stopped", Tells: "ends without message_stop, but with a stop reason", Answers: true, stream: stopAt(named("message_delta"), nil)},
		{Name: "stall", Tells: "falls silent after some content", stream: stopAt(firstText, (*exchange).hang)},
		{Name: "stall_pings", Tells: "sends only pings after some content", stream: stopAt(firstText, (*exchange).pings)},
		{Name: "garbled", Tells: "an event whose data is no JSON", stream: func(x *exchange) {
			x.upTo(firstText)
			x.events = append(x.events, wire.SSE{Name: "content_block_delta", Data: []byte(`{"type":"content_block_delta","index":`)})
		}},
		{Name: "unknown_event", Tells: "an event of a name nobody knows, then the answer", Answers: true, stream: func(x *exchange) {
			x.insert(firstText, wire.Event("content_block_weather", map[string]any{"index": 0, "sky": "blue"}))
		}},
		{Name: "unknown_block", Tells: "a block of a type nobody knows, then the answer", Answers: true, stream: unknownBlock},
		{Name: "no_usage", Tells: "an answer that does not say what it used", Answers: true, stream: func(x *exchange) {
			for i := range x.events {
				x.events[i].Data = without(x.events[i].Data, "usage")
			}
		}},
		{Name: "no_usage_end", Tells: "an answer that says at its beginning only what it used", Answers: true, stream: func(x *exchange) {
			for i := range x.events {
				if x.events[i].Name == "message_delta" {
					x.events[i].Data = without(x.events[i].Data, "usage")
				}
			}
		}},
		{Name: "zero_usage", Tells: "an answer that says it used nothing", Answers: true, stream: func(x *exchange) {
			for i := range x.events {
				x.events[i].Data = figures.ReplaceAll(x.events[i].Data, []byte(`${1}0`))
			}
		}},
	}
}

// figures matches every count of tokens.
var figures = regexp.MustCompile(`("[a-z0-9_]*_tokens":)[0-9]+`)

// unknownBlock puts a block of an unknown type before all others.
func unknownBlock(x *exchange) {
	for i, e := range x.events {
		if !strings.HasPrefix(e.Name, "content_block_") {
			continue
		}
		var fields map[string]any
		if json.Unmarshal(e.Data, &fields) == nil {
			index, _ := fields["index"].(float64) //nolint:errcheck // the events are ours
			fields["index"] = index + 1
			x.events[i] = wire.Event(e.Name, fields)
		}
	}
	odd := map[string]any{"type": "weather_report", "sky": "blue"}
	x.insert(named("ping"), wire.Event("content_block_stop", map[string]any{"index": 0}))
	x.insert(named("ping"), wire.Event("content_block_start", map[string]any{"index": 0, "content_block": odd}))
}

// without removes every member of that name, down to the second level.
func without(data []byte, name string) []byte {
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return data
	}
	delete(fields, name)
	if message, ok := fields["message"].(map[string]any); ok {
		delete(message, name)
	}
	kind, _ := fields["type"].(string) //nolint:errcheck // the events are ours
	return wire.Event(kind, fields).Data
}
