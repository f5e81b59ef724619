package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/answer"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/demo"
	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/platform/llm/wire"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/metric/noop"
)

const walks = "I walk dogs for eleven families. I want one page where they pick a free slot, and where I see each dog's name and quirks."

// body is a request for the understanding of words.
func body(tb testing.TB, change map[string]any, words ...tag.Part) []byte {
	tb.Helper()
	var prompt strings.Builder
	for _, p := range words {
		prompt.WriteString(tag.Write(p) + "\n")
	}
	fields := map[string]any{
		"model": demo.ModelID, "max_tokens": 20_000, "messages": []any{map[string]any{"role": "user", "content": prompt.String() + "What is it about?"}},
		"output_config": map[string]any{"format": map[string]any{"type": "json_schema", "schema": json.RawMessage(form().Schema().JSON)}},
	}
	maps.Copy(fields, change)
	raw, err := json.Marshal(fields)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func form() *answer.Form[idea.Understanding] { return answer.New[idea.Understanding]("understanding") }

func founder(text string) tag.Part {
	return tag.Part{Name: tag.Founder, Source: "idea", Text: text}
}

const tools = `{"model":"cofounder-demo-1","max_tokens":4096,"system":"Role: tester\nLook.","messages":[{"role":"user","content":"Please look."}],
	"tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object","properties":{"at":{"type":"string"}},"required":["at"]}}]}`

// tester looks once and is done.
func tester(q *wire.Request) (wire.Content, *wire.Error) {
	if len(q.Messages) > 1 {
		return wire.Content{{Type: "text", Text: "I have looked."}}, nil
	}
	return wire.Content{{Type: "text", Text: "I look."}, {Type: "tool_use", Name: "look", Input: json.RawMessage(`{"at":"main.go"}`)}}, nil
}

func TestConform(t *testing.T) {
	t.Parallel()
	m := demo.New(nil)
	m.Play("tester", tester)
	llmtest.Conform(t, llmtest.Subject{
		Transport: m, URL: demo.Endpoint().BaseURL, Key: "demo",
		Plain:  []byte(`{"model":"cofounder-demo-1","max_tokens":4096,"messages":[{"role":"user","content":"Who are you?"}]}`),
		Formed: body(t, nil, founder(walks)),
		Tools:  []byte(tools),
	})
}

// send posts to the demo model and returns status and answer.
func send(tb testing.TB, m *demo.Model, raw []byte) (int, []byte) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, demo.Endpoint().BaseURL+"/v1/messages", bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header = http.Header{"X-Api-Key": {"demo"}, "Anthropic-Version": {"2023-06-01"}, "Content-Type": {"application/json"}}
	res, err := m.RoundTrip(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, out
}

func TestRefusesNamingWhatIsMissing(t *testing.T) {
	t.Parallel()
	schema := func(s string) map[string]any {
		return map[string]any{"output_config": map[string]any{"format": map[string]any{"type": "json_schema", "schema": json.RawMessage(s)}}}
	}
	tool := map[string]any{"tools": []any{map[string]any{"name": "look", "input_schema": map[string]any{"type": "object"}}}}
	with := func(more map[string]any) map[string]any {
		maps.Copy(more, tool)
		return more
	}
	image := []any{map[string]any{"role": "user", "content": []any{map[string]any{"type": "image", "source": map[string]any{"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}}}}
	tests := []struct {
		name string
		body []byte
		want string
	}{
		{"an unknown task", body(t, schema(`{"title":"poem","type":"object","properties":{},"additionalProperties":false}`), founder(walks)), `task \"poem\", only for: answers, architecture, brief, file, how_it_works, milestones, options, probe, questions, reading, risks, scope, understanding`},
		{"a task without a title", body(t, schema(`{"type":"object","properties":{},"additionalProperties":false}`), founder(walks)), `task \"\"`},
		{"no founder's words", body(t, nil), "no part \\u003cfounder-…\\u003e"},
		{"words without an end", body(t, map[string]any{"messages": []any{map[string]any{"role": "user", "content": "<founder-00000000 source=\"idea\">\nx"}}}), "has no end"},
		{"corrections that are none", body(t, nil, founder(walks), tag.Part{Name: tag.Corrections, Source: "chips", Text: "{"}), "not a list of corrections"},
		{"tools without a role", body(t, with(map[string]any{"system": "You are helpful."})), `needs \"Role: NAME\"`},
		{"an unknown role", body(t, with(map[string]any{"system": "Role: poet"})), `role \"poet\", only for: tester`},
		{"a tool that is not offered", []byte(strings.Replace(tools, `"name":"look"`, `"name":"see"`, 1)), `needs the tool \"look\"`},
		{"a picture", body(t, map[string]any{"messages": image}), "reads text only, not a block of type image"},
		{"a probe of lists", body(t, schema(`{"title":"probe","type":"object","additionalProperties":false,"properties":{"a":{"type":"array","items":{"type":"string"}}}}`)), "plain values only"},
	}
	m := demo.New(nil)
	m.Play("tester", tester)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, got := send(t, m, tt.body)
			if status != http.StatusBadRequest || !bytes.Contains(got, []byte(`"invalid_request_error"`)) || !bytes.Contains(got, []byte(tt.want)) {
				t.Errorf("answered %d %s, want a 400 with %s", status, got, tt.want)
			}
		})
	}
}

func TestSameRequestSameBytes(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"an answer": body(t, nil, founder(walks)), "a stream": body(t, map[string]any{"stream": true}, founder(walks)), "a refusal": body(t, nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := demo.New(nil)
			_, first := send(t, m, raw)
			for range 20 {
				_, again := send(t, m, raw)
				if !bytes.Equal(first, again) {
					t.Fatalf("first %s\nthen %s", first, again)
				}
			}
			if _, other := send(t, demo.New(nil), raw); !bytes.Equal(first, other) {
				t.Errorf("another model says\n%s", other)
			}
		})
	}
}

func TestStopsAtMaxTokens(t *testing.T) {
	t.Parallel()
	m := demo.New(nil)
	var whole, part struct {
		Content []struct{ Text string }
		Stop    string `json:"stop_reason"`
		Usage   struct {
			Output int64 `json:"output_tokens"`
		}
	}
	_, got := send(t, m, body(t, nil, founder(walks)))
	if err := json.Unmarshal(got, &whole); err != nil || whole.Stop != "end_turn" {
		t.Fatalf("%v: %s", err, got)
	}
	for _, most := range []int64{1, 50, whole.Usage.Output - 1} {
		_, got = send(t, m, body(t, map[string]any{"max_tokens": most}, founder(walks)))
		part.Content = nil
		if err := json.Unmarshal(got, &part); err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, b := range part.Content {
			text += b.Text
		}
		if part.Stop != "max_tokens" || part.Usage.Output > most || !strings.HasPrefix(whole.Content[0].Text, text) || len(text) >= len(whole.Content[0].Text) {
			t.Errorf("%d tokens: stopped for %s after %d tokens: %s", most, part.Stop, part.Usage.Output, text)
		}
	}
}

// admit lets everything pass.
func admit(_ context.Context, a llm.Attempt) (llm.Ticket, error) { return ticket{a.MaxTokens}, nil }

type ticket struct{ most llm.Tokens }

func (t ticket) MaxTokens() llm.Tokens                   { return t.most }
func (ticket) Failed(context.Context, llm.Outcome) error { return nil }

func newClient(t *testing.T, m *demo.Model) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Meter: noop.Meter{}, Transport: m})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestThroughTheRealClient(t *testing.T) {
	t.Parallel()
	c := newClient(t, demo.New(nil))
	ep := demo.Endpoint()
	corrections := tag.Part{Name: tag.Corrections, Source: "chips", Text: `[{"chip":"name","to":"Pawbook"}]`}
	f := form()
	result, bill, err := c.Call(t.Context(), ep, llm.Request{
		Model: ep.Models[llm.Standard], MaxTokens: 20_000, Effort: llm.MediumEffort, Schema: f.Schema(),
		Turns: []llm.Turn{llm.User(llm.Text(tag.Write(founder(walks))), llm.Text(tag.Write(corrections)))},
	}, admit, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Read(result)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name.Text != "Pawbook" || got.Shape.Name != idea.Bookings || len(got.Things) != 2 || got.Things[1].ID != "dog" {
		t.Errorf("understood %+v", got)
	}
	if result.Label != llm.Strict || result.Attempts != 1 || !bill.Outcome.Usage.Known || bill.Outcome.Usage.Output < 100 || result.Model != demo.ModelID {
		t.Errorf("result %+v, bill %+v", result, bill)
	}
}

func TestProbeThroughTheRealClient(t *testing.T) {
	t.Parallel()
	c := newClient(t, demo.New(nil))
	found, _, err := c.Probe(t.Context(), demo.Endpoint(), demo.ModelID, admit)
	if err != nil {
		t.Fatal(err)
	}
	caps := found.Capabilities
	if !caps.StructuredOutput || !caps.CountTokens || !caps.Tools || caps.Images || caps.MaxInput != 1_000_000 || found.Model != demo.ModelID {
		t.Errorf("found %+v", found)
	}
}

// elsewhere is another transport.
type elsewhere struct{ asked []string }

var errElsewhere = errors.New("elsewhere")

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	e.asked = append(e.asked, r.URL.Host)
	return nil, errElsewhere
}

func TestHandsOnWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	next := &elsewhere{}
	m := demo.New(next)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.org/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.RoundTrip(r); !errors.Is(err, errElsewhere) { //nolint:bodyclose // there is none
		t.Errorf("got %v", err)
	}
	send(t, m, body(t, nil, founder(walks)))
	if diff := cmp.Diff([]string{"api.example.org"}, next.asked); diff != "" {
		t.Errorf("handed on (-want +got):\n%s", diff)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, demo.Endpoint().BaseURL+"/v1/messages", bytes.NewReader(body(t, nil, founder(walks))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := demo.New(nil).RoundTrip(r); !errors.Is(err, context.Canceled) { //nolint:bodyclose // there is none
		t.Errorf("got %v", err)
	}
}

func FuzzModel(f *testing.F) {
	f.Add("idea", walks, "")
	f.Add("answer:q_1", "</founder-00000000>", `[{"chip":"thing","from":"dog","to":""}]`)
	f.Add("", "\xff\x00<script>", "null")
	m := demo.New(nil)
	schema := form().Schema()
	f.Fuzz(func(t *testing.T, source, text, corrections string) {
		parts := []tag.Part{{Name: tag.Founder, Source: source, Text: text}}
		if corrections != "" {
			parts = append(parts, tag.Part{Name: tag.Corrections, Source: "chips", Text: corrections})
		}
		raw := body(t, nil, parts...)
		status, got := send(t, m, raw)
		if status == http.StatusBadRequest && corrections != "" {
			return
		}
		var reply struct{ Content []struct{ Text string } }
		if err := json.Unmarshal(got, &reply); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s: %v", status, got, err)
		}
		if err := schema.Check([]byte(reply.Content[0].Text)); err != nil {
			t.Errorf("%v:\n%s", err, reply.Content[0].Text)
		}
		if _, again := send(t, m, raw); !bytes.Equal(got, again) {
			t.Errorf("first %s\nthen %s", got, again)
		}
	})
}
