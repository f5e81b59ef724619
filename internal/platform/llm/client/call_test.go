package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"

	"github.com/google/go-cmp/cmp"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, `
		turn
		think Hm.
		say Hello,
		say " founder."
		usage input=10 read=2000 write5m=300 write1h=40 output=50 thinking=7
	`)
	money := &till{}
	var shown strings.Builder
	res, bill, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), money.admit, func(e llm.Event) error {
		if e.Type == llm.TextBlock {
			shown.WriteString(e.Text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := llm.Usage{Input: 10, CacheRead: 2000, CacheWrite5m: 300, CacheWrite1h: 40, Output: 50, Thinking: 7, Known: true}
	if diff := cmp.Diff(want, res.Usage); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if res.Text != "Hello, founder." || shown.String() != res.Text || res.Stop != llm.StopEnd || res.Model != "claude-opus-5-5" || res.RequestID == "" {
		t.Errorf("result %+v, shown %q", res, shown.String())
	}
	o := bill.Outcome
	if bill.Ticket == nil || o.State != llm.Settled || o.Usage != want || o.Err != "" || o.RequestID != res.RequestID || o.Status != 200 {
		t.Errorf("bill %+v", bill)
	}
	if o.Took <= 0 || o.FirstByte <= 0 || o.FirstByte > o.Took {
		t.Errorf("took %v, first content after %v", o.Took, o.FirstByte)
	}
	stored, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	var again llm.Result
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(res, again, cmp.Comparer(func(a, b llm.Turn) bool { return a == b })); diff != "" {
		t.Errorf("stored and read (-want +got):\n%s", diff)
	}
}

func TestToolCalls(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, `
		turn
		say Both at once.
		tool look {"path": "a <b> & c", "n": 1.50}
		tool look {"path":"go.mod"}
		turn when tool_result
		expect no such file
		say Done.
	`)
	c := newClient(t, client.Config{})
	money := &till{}
	req := ask("Look.")
	req.Opening = llm.NewOpening([]llm.Tool{{Name: "look", Description: "Looks.", Input: []byte(`{"type":"object"}`)}}, llm.Text("You look.").Cached(llm.Hour))
	res, _, err := c.Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Calls) != 2 || res.Stop != llm.StopTools || string(res.Calls[0].Input) != `{"path":"a \u003cb\u003e \u0026 c","n":1.50}` {
		t.Fatalf("calls %+v", res.Calls)
	}
	req.Turns = append(req.Turns, res.Turns...)
	req.Turns = append(req.Turns, llm.User(
		llm.ToolResult(res.Calls[0].ID, llm.Text("package main"), llm.Image("image/png", []byte("\x89PNG\r\n\x1a\nnot really"))),
		llm.ToolError(res.Calls[1].ID, "no such file"),
		llm.Text("A word of the founder.")))
	res, _, err = c.Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
	if err != nil || res.Text != "Done." {
		t.Fatalf("%v, %+v", err, res)
	}
}

// TestConversation goes on for thirty turns, each stored as bytes and read again, and
// wants every request to begin with the bytes of the one before: the server refuses
// anything else, since it signs its thinking with them.
func TestConversation(t *testing.T) {
	t.Parallel()
	const turns = 30
	srv := llmtest.Start(t, "turn\nthink\nsay I look.\ntool look {\"path\":\"main.go\"}\ntimes 30")
	c := newClient(t, client.Config{})
	opening := llm.NewOpening([]llm.Tool{{Name: "look", Input: []byte(`{"type":"object"}`)}},
		llm.Text(strings.Repeat("You are a careful engineer. ", 100)).Cached(llm.Hour))
	req := ask("<project>" + strings.Repeat("A calendar of dogs. ", 100) + "</project>")
	req.Opening = opening
	var read, prompt llm.Tokens
	for range turns {
		res, _, err := c.Call(t.Context(), srv.Endpoint(), req, (&till{}).admit, nil)
		if err != nil {
			t.Fatal(err)
		}
		read, prompt = read+res.Usage.CacheRead, prompt+res.Usage.Prompt()
		added := append(res.Turns, llm.User(llm.ToolResult(res.Calls[0].ID, llm.Text(strings.Repeat("func main() { /* <&> */ }\n", 20)))))
		for _, turn := range added { // as it would be after a restart
			again, err := llm.ParseTurn(turn.Bytes())
			if err != nil || again != turn {
				t.Fatalf("a turn does not survive storing: %v\n%s\n%s", err, turn.Bytes(), again.Bytes())
			}
			req.Turns = append(req.Turns, again)
		}
		if req.Opening, err = llm.ParseOpening(req.Opening.Bytes()); err != nil || req.Opening != opening {
			t.Fatalf("the opening does not survive storing: %v", err)
		}
	}
	same, all := int64(0), int64(0)
	for i, p := range llmtest.Prefixes(srv.Calls()) {
		if !p.Appended {
			t.Errorf("request %d does not begin with all bytes of the one before, only %d", i+2, p.SameBytes)
		}
		same, all = same+p.SameTokens, all+p.Tokens
	}
	t.Logf("%d requests: common prefix %.1f %% of input tokens, read from the cache %.1f %%", turns,
		100*float64(same)/float64(all), 100*float64(read)/float64(prompt))
	if 100*same < 85*all || 100*read < 85*prompt {
		t.Errorf("common prefix %d of %d tokens, read from the cache %d of %d; want 85 %%", same, all, read, prompt)
	}
}

func TestHistoryThatWasChanged(t *testing.T) {
	t.Parallel()
	srv := llmtest.StartConfig(t, llmtest.Config{})
	c := newClient(t, client.Config{})
	money := &till{}
	req := ask("One.")
	res, _, err := c.Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Turns = append([]llm.Turn{llm.User(llm.Text("Another one."))}, append(res.Turns, llm.User(llm.Text("Two.")))...)
	res, _, err = c.Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
	if got, want := shows(res, err, money), "answer after 2: void"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	calls := srv.Calls()
	if n := len(calls); n != 3 || strings.Contains(string(calls[2].Body), `"thinking"`) {
		t.Errorf("%d requests, the last: %s", n, calls[n-1].Body)
	}
}

// TestManyResults wants a cache mark of its own where the server would not look back
// far enough, and everything read from the cache in spite of it.
func TestManyResults(t *testing.T) {
	t.Parallel()
	const many = 15
	srv := llmtest.Start(t, "turn\n"+strings.Repeat("tool look {}\n", many)+"times 4")
	c := newClient(t, client.Config{})
	req := ask(strings.Repeat("A calendar of dogs. ", 200))
	req.Opening = llm.NewOpening([]llm.Tool{{Name: "look", Input: []byte(`{"type":"object"}`)}})
	for i := range 4 {
		res, _, err := c.Call(t.Context(), srv.Endpoint(), req, (&till{}).admit, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && res.Usage.CacheRead == 0 {
			t.Errorf("request %d reads nothing from the cache: %+v", i+1, res.Usage)
		}
		var results []llm.Block
		for _, call := range res.Calls {
			results = append(results, llm.ToolResult(call.ID, llm.Text("nothing")))
		}
		req.Turns = append(append(req.Turns, res.Turns...), llm.User(results...))
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		label        llm.Label
		attempts     int
	}{
		{"strict", `turn
			say {"name":"Pawbook"}`, llm.Strict, 1},
		{"fenced", "turn\nsay {\"name\":\"Pawbook\"}\nfail fenced", llm.Fenced, 1},
		{"embedded", "turn\nsay {\"name\":\"Pawbook\"}\nfail preamble", llm.Embedded, 1},
		{"repaired", `turn
			say {"title":"Pawbook"}
			turn
			expect /name: is missing
			expect {\"title\":\"Pawbook\"}
			say {"name":"Pawbook"}`, llm.Strict, 2},
		{"cut, then with more room", "turn\nsay {\"name\":\"Pawbook\"}\nfail length\nturn when \"max_tokens\":64000\nsay {\"name\":\"Pawbook\"}", llm.Strict, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := llmtest.Start(t, c.script)
			req := ask("Name it.")
			req.Schema, req.Larger = form(), 64_000
			spare := append(make([]llm.Turn, 0, 4), req.Turns...)
			req.Turns = spare
			money := &till{}
			res, bill, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
			if err != nil {
				t.Fatal(err)
			}
			if string(res.Answer) != `{"name":"Pawbook"}` || res.Label != c.label || res.Attempts != c.attempts || bill.Outcome.Label != c.label {
				t.Errorf("answer %s, %s after %d attempts; bill says %s", res.Answer, res.Label, res.Attempts, bill.Outcome.Label)
			}
			if len(money.attempts) != c.attempts || len(money.outcomes) != c.attempts-1 {
				t.Errorf("%d attempts admitted, %d failed", len(money.attempts), len(money.outcomes))
			}
			if spare[:2][1] != (llm.Turn{}) {
				t.Errorf("the caller's turns were written to: %s", spare[:2][1].Bytes())
			}
			// What Result says to append must be a conversation the server takes.
			next := llm.Request{Model: req.Model, MaxTokens: 100, Turns: append(append(req.Turns, res.Turns...), llm.User(llm.Text("Why?")))}
			again := llmtest.StartConfig(t, llmtest.Config{})
			if _, _, err := newClient(t, client.Config{}).Call(t.Context(), again.Endpoint(), next, money.admit, nil); err != nil {
				t.Errorf("going on: %v", err)
			}
		})
	}
}

// TestTruncatedText wants what came of it, without tool calls, for a caller who goes
// on from there.
func TestTruncatedText(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, "turn\nsay A long story about dogs.\ntool look {\"path\":\"main.go\"}\nfail cut_tool")
	res, bill, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Tell."), (&till{}).admit, nil)
	if llm.KindOf(err) != llm.Truncated || bill.Ticket != nil {
		t.Fatalf("error %v, bill %+v", err, bill)
	}
	if res.Text != "A long story about dogs." || len(res.Calls) != 0 || len(res.Turns) != 1 {
		t.Errorf("result %+v", res)
	}
	for _, b := range res.Turns[0].Blocks() {
		if b.Type == llm.ToolUseBlock {
			t.Errorf("the turn has the cut call: %s", res.Turns[0].Bytes())
		}
	}
}

// TestPausedAnswerGoesOn wants one answer of the parts between pauses, in a conversation
// the server takes, and no tool call that came before a pause.
func TestPausedAnswerGoesOn(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, `
		turn
		say {"na
		tool look {"path":"main.go"}
		fail pause
		turn when Go on exactly where you stopped
		say me":"Paw
		fail pause
		turn
		say book"}`)
	req := ask("Name it.")
	req.Schema = form()
	money := &till{}
	res, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
	if got, want := shows(res, err, money), "answer after 3: settled settled"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if string(res.Answer) != `{"name":"Pawbook"}` || res.Text != string(res.Answer) || len(res.Calls) != 0 || len(res.Turns) != 5 {
		t.Errorf("result %+v", res)
	}
	for _, p := range llmtest.Prefixes(srv.Calls()) {
		if !p.Appended {
			t.Errorf("a request does not begin with the one before: %+v", p)
		}
	}
	next := llm.Request{Model: req.Model, MaxTokens: 100, Turns: append(append(req.Turns, res.Turns...), llm.User(llm.Text("Why?")))}
	again := llmtest.StartConfig(t, llmtest.Config{})
	if _, _, err := newClient(t, client.Config{}).Call(t.Context(), again.Endpoint(), next, money.admit, nil); err != nil {
		t.Errorf("going on: %v", err)
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.StartConfig(t, llmtest.Config{})
		limit := (&llm.Error{Kind: llm.Budget, RetryAfter: time.Hour}).Because(errors.New("the day's limit"))
		_, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), (&till{refuse: limit}).admit, nil)
		if !errors.Is(err, limit) || llm.KindOf(err) != llm.Budget || len(srv.Calls()) != 0 {
			t.Errorf("error %v after %d requests", err, len(srv.Calls()))
		}
	})
	t.Run("refused in between", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn\nfail overloaded")
		limit := errors.New("the day's limit")
		money := &till{}
		_, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), func(ctx context.Context, a llm.Attempt) (llm.Ticket, error) {
			if a.Number == 2 {
				return nil, limit
			}
			return money.admit(ctx, a)
		}, nil)
		if !errors.Is(err, limit) || money.states() != "void" {
			t.Errorf("error %v, accounted %s", err, money.states())
		}
	})
	t.Run("lowered", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn when \"max_tokens\":512\nsay Hello.")
		if _, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), (&till{lower: 512}).admit, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("not accounted for", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn\nfail overloaded")
		down := errors.New("the database is down")
		_, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), (&till{broken: down}).admit, nil)
		if !errors.Is(err, down) {
			t.Errorf("error %v, want no further attempt", err)
		}
	})
	t.Run("bounds", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.StartConfig(t, llmtest.Config{})
		money := &till{}
		req := ask(strings.Repeat("Dogs and their calendars. ", 400))
		res, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := money.attempts[0]
		counted, err := a.Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if used := res.Usage.Prompt(); used > counted || counted > used+used/50+1 || counted > a.InputUpper || a.MaxTokens != 4096 {
			t.Errorf("used %d, counted %d, bound %d, cap %d", used, counted, a.InputUpper, a.MaxTokens)
		}
	})
}

func TestSink(t *testing.T) {
	t.Parallel()
	t.Run("attempts are told apart", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn\nsay Hello there, founder of dogs.\nfail cut_stream\nturn\nsay Hello again.")
		shown := map[int]string{}
		res, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), (&till{}).admit, func(e llm.Event) error {
			if e.Type == llm.TextBlock {
				shown[e.Attempt] += e.Text
			}
			return nil
		})
		if err != nil || res.Text != "Hello again." || shown[2] != res.Text || !strings.HasPrefix("Hello there, founder of dogs.", shown[1]) || shown[1] == "" {
			t.Errorf("error %v, text %q, shown %v", err, res.Text, shown)
		}
	})
	t.Run("stops", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn\nsay The same again and again and again.")
		enough := errors.New("it repeats itself")
		money := &till{}
		res, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), money.admit, func(llm.Event) error { return enough })
		if got, want := shows(res, err, money), "cancelled/stopped_by_sink after 1: estimated"; got != want || !errors.Is(err, enough) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, script, want string }{
		{"before an answer", "turn\nfail hang", "cancelled after 1: unknown"},
		{"within one", "turn\nsay Hello there, founder of dogs.\nfail stall", "cancelled after 1: estimated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			turns, err := llmtest.Parse(c.script)
			if err != nil {
				t.Fatal(err)
			}
			gone := errors.New("the founder pressed pause")
			ctx, cancel := context.WithCancelCause(t.Context())
			seen := make(chan struct{}, 1)
			srv := llmtest.StartConfig(t, llmtest.Config{Script: turns, Seen: func(llmtest.Call) {
				select {
				case seen <- struct{}{}:
				default:
				}
			}})
			within := strings.Contains(c.script, "stall")
			ep := srv.Endpoint()
			ep.Known = map[string]llm.Capabilities{"claude-opus-5-5": {}}
			go func() {
				if <-seen; !within {
					cancel(gone)
				}
			}()
			money := &till{}
			res, _, err := newClient(t, client.Config{}).Call(ctx, ep, ask("Hi."), money.admit, func(llm.Event) error {
				if within {
					cancel(gone)
				}
				return nil
			})
			if got := shows(res, err, money); got != c.want || !errors.Is(err, gone) {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
}

func TestMistakesOfOurs(t *testing.T) {
	t.Parallel()
	answer, err := llm.ParseTurn([]byte(`{"role":"assistant","content":[{"type":"text","text":"{"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]llm.Request{
		"no model": {MaxTokens: 1, Turns: []llm.Turn{llm.User(llm.Text("x"))}},
		"no turn":  {Model: "m", MaxTokens: 1},
		"no cap":   {Model: "m", Turns: []llm.Turn{llm.User(llm.Text("x"))}},
		"prefill":  {Model: "m", MaxTokens: 1, Turns: []llm.Turn{llm.User(llm.Text("x")), answer}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			money := &till{}
			ep := llm.Endpoint{BaseURL: "http://127.0.0.1:1", Key: config.NewSecret("sk-test")}
			if _, _, err := newClient(t, client.Config{}).Call(t.Context(), ep, req, money.admit, nil); err == nil || len(money.attempts) != 0 {
				t.Errorf("error %v, %d attempts", err, len(money.attempts))
			}
		})
	}
}

// A PDF may unpack to more tokens than it has bytes, so its bytes do not bound it.
func TestDocumentsAreBoundedByTheWindow(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, "turn\nexpect application/pdf\nsay A plan.")
	money := &till{}
	req := ask("What is this?")
	req.Turns = []llm.Turn{llm.User(llm.PDF([]byte("%PDF-1.7 /Type/Page")), llm.Text("What is this?"))}
	res, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
	if err != nil {
		t.Fatal(err)
	}
	const window = 1_000_000
	a := money.attempts[0]
	counted, err := a.Count(t.Context())
	if err != nil || a.InputUpper < window || counted >= window || res.Usage.Prompt() > counted {
		t.Errorf("bound %d, counted %d, used %d, %v", a.InputUpper, counted, res.Usage.Prompt(), err)
	}
}
