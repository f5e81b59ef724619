package llmtest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/platform/llm/wire"
)

// Turn is one answer of a script.
type Turn struct {
	When    string // taken only by requests whose body contains this
	Expect  []string
	Times   int // requests it answers; 0: all
	Content wire.Content
	Stop    string
	Usage   *wire.Usage
	Drip    time.Duration
	Fail    string
	Value   string // of the failure
}

// Parse reads a script.
func Parse(script string) ([]Turn, error) {
	var turns []Turn
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		if word == "turn" {
			when, ok := strings.CutPrefix(rest, "when ")
			if !ok && rest != "" {
				return nil, fmt.Errorf("line %d: turn %s: want nothing or \"when TEXT\"", i+1, rest)
			}
			turns = append(turns, Turn{When: when, Times: 1})
			continue
		}
		if len(turns) == 0 {
			return nil, fmt.Errorf("line %d: %s before the first turn", i+1, word)
		}
		if err := turns[len(turns)-1].read(word, rest); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", i+1, word, err)
		}
	}
	return turns, nil
}

func (t *Turn) read(word, rest string) error {
	var err error
	switch word {
	case "times":
		t.Times, err = strconv.Atoi(rest)
	case "expect":
		t.Expect = append(t.Expect, rest)
	case "think":
		t.Content = append(t.Content, wire.Block{Type: "thinking", Thinking: rest})
	case "say":
		if strings.HasPrefix(rest, `"`) {
			if s, quoted := strconv.Unquote(rest); quoted == nil {
				rest = s
			}
		}
		t.Content = append(t.Content, wire.Block{Type: "text", Text: rest})
	case "tool":
		name, input, _ := strings.Cut(rest, " ")
		if !json.Valid([]byte(input)) {
			return fmt.Errorf("input of %s is not JSON", name)
		}
		t.Content = append(t.Content, wire.Block{Type: "tool_use", Name: name, Input: json.RawMessage(input)})
	case "stop":
		t.Stop = rest
	case "usage":
		t.Usage, err = readUsage(rest)
	case "drip":
		t.Drip, err = time.ParseDuration(rest)
	case "fail":
		t.Fail, t.Value, _ = strings.Cut(rest, " ")
		_, err = failure(t.Fail)
	default:
		return fmt.Errorf("no such line")
	}
	return err
}

func readUsage(s string) (*wire.Usage, error) {
	u := &wire.Usage{}
	fields := map[string]*int64{
		"input": &u.Input, "output": &u.Output, "thinking": &u.Thinking,
		"read": &u.CacheRead, "write5m": &u.CacheWrite5m, "write1h": &u.CacheWrite1h,
	}
	for pair := range strings.FieldsSeq(s) {
		key, value, _ := strings.Cut(pair, "=")
		field, ok := fields[key]
		if !ok {
			return nil, fmt.Errorf("no such figure: %s", key)
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: not a number", key)
		}
		*field = n
	}
	return u, nil
}
