package demo_test

import (
	"encoding/json"
	"testing"

	"cofounder/internal/platform/llm/demo"
	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/tag"

	"github.com/google/go-cmp/cmp"
)

// Questions, answers and corrections travel in the parts of a request, and change what
// is understood.
func TestHearsAnswersAndCorrections(t *testing.T) {
	t.Parallel()
	asked := func(id, text string) tag.Part {
		return tag.Part{Name: tag.Question, Source: "question:" + id, Text: text}
	}
	answered := func(id, text string) tag.Part {
		return tag.Part{Name: tag.Founder, Source: "answer:" + id, Text: text}
	}
	tests := []struct {
		name  string
		parts []tag.Part
		want  []string // details of the dog
	}{
		{"nothing", nil, []string{"Name", "Quirks"}},
		{"an answer to our question", []tag.Part{asked("q_1", "What else do you want to note for each dog?"), answered("q_1", "Photo, vet's phone")}, []string{"Name", "Quirks", "Photo", "Vet's phone"}},
		{"you decide", []tag.Part{asked("q_1", "What else do you want to note for each dog?"), {Name: tag.YouDecide, Source: "answer:q_1"}}, []string{"Name", "Quirks"}},
		{"a rule", []tag.Part{asked("q_2", "Who may add slots?"), answered("q_2", "Only me")}, []string{"Name", "Quirks"}},
		{"an answer to another question", []tag.Part{asked("q_3", "Anything else?"), answered("q_3", "Each dog has an age.")}, []string{"Name", "Quirks", "Age"}},
		{"an answer without its question", []tag.Part{answered("q_4", "Each dog has an age.")}, []string{"Name", "Quirks", "Age"}},
		{"a correction", []tag.Part{{Name: tag.Corrections, Source: "chips", Text: `[{"chip":"detail","of":"dog","from":"Quirks","to":"Habits"}]`}}, []string{"Name", "Habits"}},
		{
			"a correction, then an answer",
			[]tag.Part{
				{Name: tag.Corrections, Source: "chips", Text: `[{"chip":"thing","from":"dog","to":"Pet"}]`},
				asked("q_1", "What else do you want to note for each pet?"), answered("q_1", "Photo"),
			},
			[]string{"Name", "Quirks", "Photo"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, raw := send(t, demo.New(nil), body(t, nil, append([]tag.Part{founder(walks)}, tt.parts...)...))
			var reply struct{ Content []struct{ Text string } }
			if err := json.Unmarshal(raw, &reply); err != nil || len(reply.Content) != 1 {
				t.Fatalf("%v: %s", err, raw)
			}
			var u idea.Understanding
			if err := json.Unmarshal([]byte(reply.Content[0].Text), &u); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range u.Things {
				for _, d := range n.Details {
					if n.ID == "dog" {
						got = append(got, d.Name)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
