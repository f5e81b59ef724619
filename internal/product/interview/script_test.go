package interview_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// What a scripted model answers, by the title of the form it is asked for.

const (
	aReading = `{"verdict":"can","line":"I can build this as a calendar.","follow_up":[],"name":"Walks","people":[{"name":"Owner","details":[]}],"things":[{"name":"Walk","details":["day"]}],"language":"en"}`
	aScope   = `{"features":[{"name":"Book","description":"Owners book walks.","priority":"must","criteria":[{"text":"When an owner books an hour, it is shown as taken.","must":true},{"text":"An hour that is taken cannot be booked.","must":true}]}],"out_of_scope":["Payments"],"success_metrics":[]}`
	noClash  = `{"contradictions":[],"unfit":[],"instead":[]}`
	aText    = `{"text":"Owners call to book.","lines":[],"level":"moderate","because":"You said it."}`
	aList    = `{"text":"","lines":["Owners book."],"level":"moderate","because":"You said it."}`
)

// turn is a turn of a script for every request for a form; more lines change it.
func turn(title, answer string, more ...string) string {
	lines := append([]string{fmt.Sprintf(`turn when "title":%q`, title), "say " + answer}, more...)
	return strings.Join(lines, "\n") + "\n"
}

// threeQuestions are asked by a scripted model.
func threeQuestions(t *testing.T) string {
	t.Helper()
	type question struct {
		Text        string   `json:"text"`
		Why         string   `json:"why"`
		Kind        string   `json:"kind"`
		Suggestions []string `json:"suggestions"`
		Hint        string   `json:"hint"`
		Decides     string   `json:"decides"`
		Assumes     string   `json:"assumes"`
	}
	var all []question
	for _, decides := range []string{"target_user", "key_constraints", "features"} {
		all = append(all, question{
			Text: "What about " + decides + "?", Why: "It changes the product.", Kind: "short", Suggestions: []string{"One", "Two"},
			Decides: decides, Assumes: "We assume one for " + decides + ".",
		})
	}
	raw, err := json.Marshal(map[string]any{"questions": all, "nothing_more": false})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// sections is a script that writes any number of pages.
func sections(more ...string) string {
	lists := []string{"key_constraints", "assumptions", "risks"}
	var s strings.Builder
	for _, list := range lists {
		s.WriteString(strings.Join(append([]string{`turn when Write the section ` + list + `,`, "times 0", "say " + aList}, more...), "\n") + "\n")
	}
	s.WriteString(turn("brief", aText, append([]string{"times 0"}, more...)...))
	s.WriteString(turn("scope", aScope, append([]string{"times 0"}, more...)...))
	return s.String()
}
