package llmtest

import (
	"strings"
	"testing"

	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/wire"
)

// CheckForm holds a form to what the API takes, and its check to its own schema:
// every package with a form has a test that calls it.
func CheckForm(t *testing.T, s *llm.Schema) {
	t.Helper()
	if refused := wire.CheckSchema(s.JSON); refused != nil {
		t.Errorf("form %s: the API refuses it: %s", s.Title, refused.Message)
	}
	if s.Title == "" || !strings.Contains(string(s.JSON), `"title":"`+s.Title+`"`) {
		t.Errorf("form %s: its schema does not say its title", s.Title)
	}
	sample := Sample(s.JSON)
	if err := fits(s.JSON, string(sample)); err != nil {
		t.Errorf("form %s: %v", s.Title, err)
	}
	if s.Check == nil {
		t.Fatalf("form %s has no check", s.Title)
	}
	for _, wrong := range []string{`null`, `{}`, `[]`, `"text"`, string(sample) + string(sample), strings.Replace(string(sample), "{", `{"nobody_asked":1,`, 1)} {
		if s.Check([]byte(wrong)) == nil {
			t.Errorf("form %s: takes %.80s", s.Title, wrong)
		}
	}
}
