package demo_test

import (
	"strings"
	"testing"

	"cofounder/internal/platform/llm/demo/idea"
)

func TestCorrections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		corrections []idea.Correction
		want        []string
		not         []string
	}{
		{"none", nil, []string{"Dog Planner*", "person Family", "thing Slot (main)", "thing Dog: Name text, Quirks note"}, nil},
		{"the name", []idea.Correction{{Chip: idea.NameChip, To: "Pawbook"}}, []string{"Pawbook!, "}, []string{"Planner"}},
		{"the colour", []idea.Correction{{Chip: idea.ColourChip, To: "Navy"}}, []string{", navy!,"}, nil},
		{"a colour there is not", []idea.Correction{{Chip: idea.ColourChip, To: "plaid"}}, []string{", teal*,"}, nil},
		{"the shape", []idea.Correction{{Chip: idea.ShapeChip, To: "log"}}, []string{"log with totals and a chart", "Amount* number"}, []string{"calendar"}},
		{"a shape there is not", []idea.Correction{{Chip: idea.ShapeChip, To: "game"}}, []string{"calendar of bookings"}, nil},
		{"a thing less", []idea.Correction{{Chip: idea.ThingChip, From: "dog"}}, []string{"thing Slot (main)", "Family* linkfamily"}, []string{"thing Dog", "linkdog"}},
		{"the main thing less", []idea.Correction{{Chip: idea.ThingChip, From: "slot"}}, []string{"thing Event* (main)", "Dog* linkdog"}, []string{"Slot"}},
		{"a thing more", []idea.Correction{{Chip: idea.ThingChip, To: "invoices"}}, []string{"thing Invoice!: Date* date, Amount* money, Paid* yes_no"}, nil},
		{"a thing nobody heard of", []idea.Correction{{Chip: idea.ThingChip, To: "zorbs"}}, []string{"thing Zorb!: Name* text"}, nil},
		{"a thing's name", []idea.Correction{{Chip: idea.ThingChip, From: "slot", To: "Visits"}}, []string{"thing Visit! (main)", "Visit Planner*"}, []string{"Slot"}},
		{"a person less", []idea.Correction{{Chip: idea.PersonChip, From: "family"}}, []string{"thing Slot (main)"}, []string{"Family", "linkfamily"}},
		{"a person more", []idea.Correction{{Chip: idea.PersonChip, To: "Vet"}}, []string{"person Vet!"}, nil},
		{"a detail more", []idea.Correction{{Chip: idea.DetailChip, Of: "dog", To: "birthday"}}, []string{"Quirks note, Birthday! date"}, nil},
		{"a detail more, with its type", []idea.Correction{{Chip: idea.DetailChip, Of: "dog", To: "Walks alone", Type: idea.YesNo}}, []string{"Walks alone! yes_no"}, nil},
		{"a detail less", []idea.Correction{{Chip: idea.DetailChip, Of: "dog", From: "Quirks"}}, []string{"thing Dog: Name text\n"}, []string{"Quirks"}},
		{"a standard detail less", []idea.Correction{{Chip: idea.DetailChip, Of: "slot", From: "Time"}}, []string{"Date* date"}, []string{"Time*"}},
		{"a detail's name", []idea.Correction{{Chip: idea.DetailChip, Of: "dog", From: "Quirks", To: "Habits"}}, []string{"Habits! note"}, []string{"Quirks"}},
		{
			"a detail's options",
			[]idea.Correction{{Chip: idea.DetailChip, Of: "dog", From: "Quirks", To: "Size", Type: idea.Options, Options: []string{"Small", "Large"}}},
			[]string{"Size! choice [Small Large]"},
			[]string{"Quirks"},
		},
		{
			"one after another",
			[]idea.Correction{{Chip: idea.ThingChip, To: "Invoices"}, {Chip: idea.DetailChip, Of: "invoice", To: "Number", Type: idea.Number}, {Chip: idea.ThingChip, From: "invoice", To: "Bills"}},
			[]string{"thing Bill!: Number! number"},
			[]string{"Invoice"},
		},
		{"what is not there", []idea.Correction{{Chip: idea.ThingChip, From: "cat", To: "Tiger"}, {Chip: idea.DetailChip, Of: "cat", To: "Name"}, {Chip: "mood", To: "x"}}, []string{"thing Slot (main)"}, []string{"Tiger", "Cat"}},
	}
	r := idea.NewReader()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := r.Read([]idea.Part{{Source: "idea", Text: walks}}, tt.corrections)
			got := sketch(u)
			for _, wrong := range flaws(u, walks) {
				t.Error(wrong)
			}
			for _, piece := range tt.want {
				if !strings.Contains(got, piece) {
					t.Errorf("nothing of %q", piece)
				}
			}
			for _, piece := range tt.not {
				if strings.Contains(got, piece) {
					t.Errorf("something of %q", piece)
				}
			}
			if t.Failed() {
				t.Logf("understood\n%s", got)
			}
		})
	}
}

// TestCorrectionsAnswerTheQuestion: who tells by chips what there is, is not asked
// again, in whatever language the idea was.
func TestCorrectionsAnswerTheQuestion(t *testing.T) {
	t.Parallel()
	r := idea.NewReader()
	parts := []idea.Part{{Source: "idea", Text: "Ich möchte eine App für meine Hunde und die Spaziergänge mit der Familie."}}
	if u := r.Read(parts, nil); len(u.Questions) != 1 {
		t.Fatalf("understood\n%s", sketch(u))
	}
	u := r.Read(parts, []idea.Correction{{Chip: idea.ThingChip, To: "Walks"}, {Chip: idea.PersonChip, To: "Families"}})
	if got := sketch(u); !strings.Contains(got, "thing Walk! (main)") || !strings.Contains(got, "person Family!") {
		t.Errorf("understood\n%s", got)
	}
}
