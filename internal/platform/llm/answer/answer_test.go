package answer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/metric/noop"
)

type feature struct {
	Name     string `json:"name" doc:"two or three words"`
	Priority string `json:"priority" enum:"must,should,later"`
}

type scope struct {
	Features []feature `json:"features" doc:"3 to 5 of them"`
	Budget   *int      `json:"budget"`
	Until    *string   `json:"until" format:"date"`
	Ready    bool      `json:"ready"`
	Share    float64   `json:"share"`
}

func (s scope) Validate() error {
	if len(s.Features) == 0 {
		return errors.New("/features: wants at least one")
	}
	return nil
}

const scopeSchema = `{"title":"scope","type":"object","properties":{` +
	`"features":{"description":"3 to 5 of them","type":"array","items":{"type":"object","properties":{` +
	`"name":{"description":"two or three words","type":"string"},"priority":{"type":"string","enum":["must","should","later"]}},` +
	`"required":["name","priority"],"additionalProperties":false}},` +
	`"budget":{"anyOf":[{"type":"integer"},{"type":"null"}]},"until":{"anyOf":[{"type":"string","format":"date"},{"type":"null"}]},` +
	`"ready":{"type":"boolean"},"share":{"type":"number"}},` +
	`"required":["features","budget","until","ready","share"],"additionalProperties":false}`

func TestSchema(t *testing.T) {
	t.Parallel()
	s := answer.New[scope]("scope").Schema()
	if diff := cmp.Diff(scopeSchema, string(s.JSON)); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	llmtest.CheckForm(t, s)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	check := answer.New[scope]("scope").Schema().Check
	full := func(features, budget, until string) string {
		return fmt.Sprintf(`{"features":%s,"budget":%s,"until":%s,"ready":true,"share":0.5}`, features, budget, until)
	}
	const one = `[{"name":"Walks","priority":"must"}]`
	for _, c := range []struct{ name, answer, flaw string }{
		{"good", full(one, "7", `"2026-12-01"`), ""},
		{"null where it may be", full(one, "null", "null"), ""},
		{"null where it may not be", full("null", "7", "null"), "/features: got null, want array"},
		{"a field missing", `{"features":` + one + `,"budget":1,"until":null,"ready":true}`, "/: missing property 'share'"},
		{"a field too many", strings.Replace(full(one, "7", "null"), "{", `{"extra":1,`, 1), "/: additional properties 'extra' not allowed"},
		{"a name in other letters", strings.Replace(full(one, "7", "null"), `"ready"`, `"Ready"`, 1), "additional properties 'Ready' not allowed"},
		{"another type", full(one, `"7"`, "null"), "/budget: got string, want integer"},
		{"not one of them", full(`[{"name":"Walks","priority":"urgent"}]`, "7", "null"), "/features/0/priority: value must be one of 'must', 'should', 'later'"},
		{"not a date", full(one, "7", `"soon"`), "/until: 'soon' is not valid date"},
		{"a number no Go type holds", full(one, "99999999999999999999", "null"), "/budget: does not fit"},
		{"against its own rule", full("[]", "7", "null"), "/features: wants at least one"},
		{"something after it", full(one, "7", "null") + "{}", "not one JSON value"},
		{"no object", "[]", "/: got array, want object"},
		{"cut", full(one, "7", "null")[:20], "not one JSON value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := check([]byte(c.answer))
			if c.flaw == "" && err != nil || c.flaw != "" && (err == nil || !strings.Contains(err.Error(), c.flaw)) {
				t.Errorf("got %v, want %q", err, c.flaw)
			}
		})
	}
}

func TestFlawsAreFew(t *testing.T) {
	t.Parallel()
	err := answer.New[scope]("scope").Schema().Check([]byte(`{"features":[` + strings.Repeat(`1,`, 99) + `1],"budget":1,"until":null,"ready":true,"share":1}`))
	if n := len(strings.Split(err.Error(), "\n")); n != 13 || !strings.Contains(err.Error(), "and 88 more") {
		t.Errorf("%d lines: %v", n, err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	form := answer.New[scope]("scope")
	got, err := form.Read(llm.Result{Answer: []byte(`{"features":[{"name":"Walks","priority":"must"}],"budget":null,"until":null,"ready":true,"share":1,"gone":"in a later version"}`)})
	want := scope{Features: []feature{{"Walks", "must"}}, Ready: true, Share: 1}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := form.Read(llm.Result{Text: "no answer"}); err == nil {
		t.Error("a result without an answer is read")
	}
}

type (
	withMap     struct{ M map[string]string }
	withoutName struct{ Name string }
	withOption  struct {
		N string `json:"n,omitempty"`
	}
	withAny struct {
		V any `json:"v"`
	}
	withBytes struct {
		B []byte `json:"b"`
	}
	withUint struct {
		N uint `json:"n"`
	}
	recursive struct {
		Next []recursive `json:"next"`
	}
	withEmbedded struct {
		feature
		More string `json:"more"`
	}
	level6 struct {
		X string `json:"x"`
	}
	level5 struct {
		L level6 `json:"l"`
	}
	level4 struct {
		L level5 `json:"l"`
	}
	level3 struct {
		L level4 `json:"l"`
	}
	level2 struct {
		L level3 `json:"l"`
	}
	level1 struct {
		L level2 `json:"l"`
	}
	badEnum struct {
		N int `json:"n" enum:"1,2"`
	}
	nullable3 struct {
		A *string `json:"a"`
		B *string `json:"b"`
		C *string `json:"c"`
	}
	nullable9 struct {
		A nullable3 `json:"a"`
		B nullable3 `json:"b"`
		C nullable3 `json:"c"`
	}
	noFields struct{}
)

func TestTypesThatAreNoForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		make       func()
	}{
		{"map", "json name", func() { answer.New[withMap]("x") }},
		{"no name", "json name", func() { answer.New[withoutName]("x") }},
		{"option", "no options", func() { answer.New[withOption]("x") }},
		{"any", "no schema", func() { answer.New[withAny]("x") }},
		{"bytes", "no schema", func() { answer.New[withBytes]("x") }},
		{"unsigned", "no schema", func() { answer.New[withUint]("x") }},
		{"embedded", "json name", func() { answer.New[withEmbedded]("x") }},
		{"recursive", "contains itself", func() { answer.New[recursive]("x") }},
		{"deep", "levels deep", func() { answer.New[level1]("x") }},
		{"enum", "no text", func() { answer.New[badEnum]("x") }},
		{"nullable", "may be null", func() { answer.New[nullable9]("x") }},
		{"empty", "no fields", func() { answer.New[noFields]("x") }},
		{"no struct", "is a struct", func() { answer.New[[]string]("x") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("panic %q, want %q", got, c.want)
				}
			}()
			c.make()
		})
	}
}

// FuzzCheck wants from any bytes no panic, and only what reads into the type.
func FuzzCheck(f *testing.F) {
	form := answer.New[scope]("scope")
	f.Add([]byte(`{"features":[{"name":"Walks","priority":"must"}],"budget":null,"until":"2026-12-01","ready":true,"share":1e3}`))
	f.Add([]byte(`{"features":[],"budget":1e400,"until":null,"ready":true,"share":-0}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if form.Schema().Check(raw) != nil {
			return
		}
		if v, err := form.Read(llm.Result{Answer: raw}); err != nil || v.Validate() != nil {
			t.Errorf("%s passes and reads as %+v, %v", raw, v, err)
		}
	})
}

// TestAsked goes the whole way: a first answer against a rule, the repair that is
// told the rule, the second answer read into the type.
func TestAsked(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, `
		turn when "title":"scope"
		say {"features":[],"budget":null,"until":null,"ready":false,"share":0}
		turn
		expect /features: wants at least one
		say {"features":[{"name":"Walks","priority":"must"}],"budget":null,"until":null,"ready":false,"share":0}
	`)
	c, err := client.New(client.Config{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}})
	if err != nil {
		t.Fatal(err)
	}
	form := answer.New[scope]("scope")
	req := llm.Request{Model: "claude-opus-5-5", MaxTokens: 4096, Turns: []llm.Turn{llm.User(llm.Text("What is in it?"))}, Schema: form.Schema()}
	res, _, err := c.Call(t.Context(), srv.Endpoint(), req, func(_ context.Context, a llm.Attempt) (llm.Ticket, error) { return free(a.MaxTokens), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := form.Read(res)
	if err != nil || len(got.Features) != 1 || got.Features[0].Name != "Walks" || res.Attempts != 2 {
		t.Errorf("%v, %+v after %d attempts", err, got, res.Attempts)
	}
}

// free is a ticket that costs nothing.
type free llm.Tokens

func (f free) MaxTokens() llm.Tokens                   { return llm.Tokens(f) }
func (free) Failed(context.Context, llm.Outcome) error { return nil }
