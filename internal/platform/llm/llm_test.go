package llm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cofounder/internal/platform/llm"
)

func TestExtract(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, want string
		label            llm.Label
		flaw             string
	}{
		{"the whole text", `{"a":1}`, `{"a":1}`, llm.Strict, ""},
		{"with space and a byte order mark", " \ufeff\n{\"a\": 1}\n", `{"a": 1}`, llm.Strict, ""},
		{"a list", `[1,2]`, `[1,2]`, llm.Strict, ""},
		{"a fence", "```json\n{\"a\":1}\n```", `{"a":1}`, llm.Fenced, ""},
		{"a fence without a name", "```\n{\"a\":1}\n```\n", `{"a":1}`, llm.Fenced, ""},
		{"a fence around a value with a fence in it", "```json\n{\"a\":\"```go\\nx\\n```\"}\n```", "{\"a\":\"```go\\nx\\n```\"}", llm.Fenced, ""},
		{"a value with a fence in it", "{\"a\":\"```go\\nx\\n```\"}", "{\"a\":\"```go\\nx\\n```\"}", llm.Strict, ""},
		{"after a sentence", "Here you go:\n{\"a\":1}\nAnything else?", `{"a":1}`, llm.Embedded, ""},
		{"a fence after a sentence", "Here:\n```json\n{\"a\":1}\n```\nDone.", `{"a":1}`, llm.Embedded, ""},
		{"brackets in prose", "Fields {curly} and [see above] or [1]x: none.", "[1]", llm.Embedded, ""},
		{"beside brackets in prose", "As {you} said [see above]: {\"a\":1}", `{"a":1}`, llm.Embedded, ""},
		{"two values", `{"a":1} {"a":2}`, "", "", "more than one"},
		{"two values in prose", "Either {\"a\":1} or {\"a\":2}.", "", "", "more than one"},
		{"prose", "I would rather not.", "", "", "no JSON value"},
		{"nothing", "", "", "", "no JSON value"},
		{"a number in prose", "It is 7.", "", "", "no JSON value"},
		{"cut", `{"a":{"b":1},"c":`, "", "", "broken"},
		{"cut in a fence", "```json\n{\"a\":{\"b\":1},\"c\":", "", "", "broken"},
		{"cut list", `[{"a":1},`, "", "", "broken"},
		{"a part of a broken list", `[{"a":1}, oops]`, "", "", "broken"},
		{"a part of broken JSON", `{"a": bad, "b": {"c":1}}`, "", "", "broken"},
		{"a trailing comma", `{"a":1,}`, "", "", "broken"},
		{"single quotes", `{'a':1}`, "", "", "no JSON value"},
		{"a comment", "{\"a\":1 // one\n}", "", "", "broken"},
		{"a key twice", `{"a":1,"a":2}`, "", "", `"a" appears twice`},
		{"a key twice, inside", `{"x":[{"a":1,"b":{},"a":2}]}`, "", "", `"a" appears twice`},
		{"a key twice, written differently", `{"a":1,"\u0061":2}`, "", "", `"a" appears twice`},
		{"the same key in two objects", `[{"a":1},{"a":2}]`, `[{"a":1},{"a":2}]`, llm.Strict, ""},
		{"a value like a key", `{"a":"a","b":["a","a"]}`, `{"a":"a","b":["a","a"]}`, llm.Strict, ""},
		{"bytes that are no UTF-8", "{\"a\":\"\xff\"}", "", "", "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, label, err := llm.Extract(c.text)
			switch {
			case c.flaw != "":
				if err == nil || !strings.Contains(err.Error(), c.flaw) {
					t.Errorf("got %s, %s, %v; want a flaw: %s", got, label, err, c.flaw)
				}
			case err != nil || string(got) != c.want || label != c.label:
				t.Errorf("got %s, %s, %v; want %s, %s", got, label, err, c.want, c.label)
			}
		})
	}
}

// FuzzExtract wants from any text at all: no panic, and either an error or one valid
// JSON value that is a piece of the text as it was.
func FuzzExtract(f *testing.F) {
	for _, s := range []string{
		`{"a":1}`, "```json\n{\"a\":1}\n```", `Here: {"a":[1,{"b":null}]} ok?`, `{"a":1} {"b":2}`, `{"a":1,"a":2}`, `[[[[`, `[1,[1,[1,`, "\ufeff{}", `{"a":"\ud800"}`, "{\"a\":\"\xff\"}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, label, err := llm.Extract(text)
		if err != nil {
			return
		}
		if !json.Valid(got) || !strings.Contains(text, string(got)) || label == "" {
			t.Errorf("%q from %q, %s", got, text, label)
		}
		rest := strings.TrimSpace(strings.Replace(text, string(got), "", 1))
		if label == llm.Strict && strings.Trim(rest, "\ufeff \t\r\n") != "" {
			t.Errorf("strict, but there is %q around it", rest)
		}
		if again, second, err := llm.Extract(string(got)); err != nil || second != llm.Strict || string(again) != string(got) {
			t.Errorf("%q is not itself: %q, %s, %v", got, again, second, err)
		}
	})
}

func TestTurnsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	turn := llm.User(llm.Text("a <b> & \u2028 \"c\" ü").Cached(llm.FiveMinutes), llm.Image("image/png", []byte{1, 2, 3}),
		llm.ToolResult("toolu_1", llm.Text("ok")), llm.ToolError("toolu_2", "no"))
	stored, err := json.Marshal(map[string]any{"turns": []llm.Turn{turn}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(stored), string(turn.Bytes())) {
		t.Errorf("inside other JSON the bytes change:\n%s\n%s", turn.Bytes(), stored)
	}
	var back struct{ Turns []llm.Turn }
	if err := json.Unmarshal(stored, &back); err != nil || back.Turns[0] != turn {
		t.Errorf("read again: %v, %s", err, back.Turns[0].Bytes())
	}
	blocks := turn.Blocks()
	if len(blocks) != 4 || blocks[0].Text != "a <b> & \u2028 \"c\" ü" || string(blocks[1].Data) != "\x01\x02\x03" ||
		blocks[2].ID != "toolu_1" || blocks[2].Content[0].Text != "ok" || !blocks[3].IsError {
		t.Errorf("blocks %+v", blocks)
	}
}

func TestParseTurnRefuses(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `{`, `{}`, `[]`, `{"role":"user"}`, `{"role":"user","content":[]}`, `{"role":"king","content":[{"type":"text"}]}`, `{"role":"user","content":"x"}`} {
		if turn, err := llm.ParseTurn([]byte(raw)); err == nil {
			t.Errorf("%s is taken as %s", raw, turn.Bytes())
		}
	}
}

func TestOpening(t *testing.T) {
	t.Parallel()
	tool := func(name string) llm.Tool { return llm.Tool{Name: name, Input: []byte(`{"type":"object"}`)} }
	a := llm.NewOpening([]llm.Tool{tool("b"), tool("a")}, llm.Text("You build."))
	b := llm.NewOpening([]llm.Tool{tool("a"), tool("b")}, llm.Text("You build."))
	if a != b {
		t.Errorf("the order of tools matters:\n%s\n%s", a.Bytes(), b.Bytes())
	}
	if again, err := llm.ParseOpening(a.Bytes()); err != nil || again != a || !again.HasTools() {
		t.Errorf("stored and read: %v, %s", err, again.Bytes())
	}
	if empty := llm.NewOpening(nil); empty != (llm.Opening{}) || empty.HasTools() {
		t.Errorf("an empty opening has %s", empty.Bytes())
	}
}
