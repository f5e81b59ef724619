package interview_test

import (
	"fmt"
	"strings"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/interview"
)

// A desk whose founder has answered the three questions in a way that clashes.
func clashing(t *testing.T) (*desk, []interview.Question) {
	t.Helper()
	w := newWorld(t).start(t)
	w.ask(t, turn("reading", aReading)+turn("questions", threeQuestions(t)))
	d := w.tell(t, "Dog owners book walks with me and I see my week with all of the dogs.")
	return d, d.awaitState(t, interview.Asking).Questions
}

func clash(first, second interview.QuestionID, firstQuote, secondQuote string) string {
	return fmt.Sprintf(`{"contradictions":[{"first":%q,"second":%q,"first_quote":%q,"second_quote":%q,"clash":"Free and paid do not go together."}],"unfit":[],"instead":[]}`,
		first, second, firstQuote, secondQuote)
}

// checked waits until no run is left that looks at answers. One that finds nothing tells
// nobody, so it is looked for.
func (d *desk) checked(t *testing.T) interview.Interview {
	t.Helper()
	d.settled(t, "check_answers")
	return d.look(t)
}

// Two answers that do not go together become a contradiction; each choice about it has
// its effect on the page, and the same pair is not brought up again.
func TestContradictions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		choice  interview.Choice
		because string
		says    string // in the prompts of the page
	}{
		{interview.First, "", "the founder says: first"},
		{interview.Second, "", "the founder says: second"},
		{interview.Both, "Free for neighbours only", "the founder says: both Free for neighbours only"},
		{interview.Later, "", "the founder says: later"},
		{"", "", "the founder says: nothing yet"},
	}
	for _, tt := range tests {
		t.Run(string(tt.choice), func(t *testing.T) {
			t.Parallel()
			d, qs := clashing(t)
			found := clash(qs[0].ID, qs[1].ID, "It is free", "15 dollars")
			// The check after the second answer finds it; that after the third finds it again.
			d.ask(t, turn("answers", noClash, "expect It is free")+turn("answers", found, "times 2", "expect It is free")+
				sections("expect Free and paid do not go together.", "expect "+tt.says))
			d.submit(t, interview.Reply{Question: qs[0].ID, Text: "It is free for everybody."})
			d.checked(t)
			d.submit(t, interview.Reply{Question: qs[1].ID, Text: "Each walk is 15 dollars."})
			got := d.checked(t)
			if len(got.Contradictions) != 1 || got.Contradictions[0].Choice != "" || got.Contradictions[0].FirstQuote != "It is free" {
				t.Fatalf("found %+v", got.Contradictions)
			}
			if tt.choice != "" {
				got, err := d.Choose(t.Context(), d.actor, d.id, got.Contradictions[0].ID, tt.choice, tt.because)
				if err != nil || got.Contradictions[0].Choice != tt.choice || got.Contradictions[0].Because != tt.because {
					t.Fatalf("chosen %+v, %v", got.Contradictions, err)
				}
			}
			d.submit(t, interview.Reply{Question: qs[2].ID, Text: "A calendar."})
			if got = d.awaitState(t, interview.Written); got.State != interview.Written {
				t.Fatalf("%s %s", got.State, got.Reason)
			}
			if got = d.checked(t); len(got.Contradictions) != 1 || got.Contradictions[0].Choice != tt.choice {
				t.Errorf("after the page: %+v", got.Contradictions)
			}
		})
	}
}

// An edit is checked again: a new clash of new words is another one, and a choice stays
// what it was about the old words.
func TestEditsAreCheckedAgain(t *testing.T) {
	t.Parallel()
	d, qs := clashing(t)
	d.ask(t, turn("answers", noClash)+turn("answers", clash(qs[0].ID, qs[1].ID, "It is free", "15 dollars"))+
		turn("answers", clash(qs[0].ID, qs[1].ID, "It is free", "20 dollars"), "expect 20 dollars"))
	d.submit(t, interview.Reply{Question: qs[0].ID, Text: "It is free for everybody."})
	d.checked(t)
	d.submit(t, interview.Reply{Question: qs[1].ID, Text: "Each walk is 15 dollars."})
	got := d.checked(t)
	if len(got.Contradictions) != 1 {
		t.Fatalf("found %+v", got.Contradictions)
	}
	c := got.Contradictions[0].ID
	if _, err := d.Choose(t.Context(), d.actor, d.id, c, interview.Second, ""); err != nil {
		t.Fatal(err)
	}
	_, err := d.Choose(t.Context(), d.actor, d.id, c, interview.Both, " ")
	faulttest.Wants(t, "both without a reason", err, "invalid because")
	_, err = d.Choose(t.Context(), d.actor, d.id, c, "neither", "")
	faulttest.Wants(t, "no such choice", err, "invalid choice")
	d.submit(t, interview.Reply{Question: qs[1].ID, Text: "Each walk is 20 dollars."})
	if got = d.checked(t); len(got.Contradictions) != 2 || got.Contradictions[0].Choice != interview.Second || got.Contradictions[1].Choice != "" ||
		got.Contradictions[1].SecondQuote != "20 dollars" {
		t.Errorf("after the edit: %+v", got.Contradictions)
	}
	// The same words again ask nobody.
	before := d.count(t, `SELECT count(*) FROM run`)
	d.submit(t, interview.Reply{Question: qs[1].ID, Text: "Each walk is 20 dollars."})
	if after := d.count(t, `SELECT count(*) FROM run`); after != before {
		t.Errorf("the same answer began %d runs", after-before)
	}
}

// What a model makes up is no contradiction: words nobody said, ids of nothing, one
// answer against itself. It is told once what is wrong; then nothing is kept.
func TestMadeUpContradictions(t *testing.T) {
	t.Parallel()
	for _, wrong := range []struct{ first, second, quote string }{
		{"", "", "words nobody said"},
		{"que_00000000000000000000000000", "", "It is free"},
		{"", "=", "It is free"},
	} {
		t.Run(wrong.first+wrong.second+wrong.quote, func(t *testing.T) {
			t.Parallel()
			d, qs := clashing(t)
			first, second := qs[0].ID, qs[1].ID
			if wrong.first != "" {
				first = interview.QuestionID(wrong.first)
			}
			if wrong.second == "=" {
				second = first
			}
			d.ask(t, turn("answers", noClash)+turn("answers", clash(first, second, wrong.quote, "15 dollars"), "times 2"))
			d.submit(t, interview.Reply{Question: qs[0].ID, Text: "It is free for everybody, not 15 dollars."})
			d.checked(t)
			d.submit(t, interview.Reply{Question: qs[1].ID, Text: "Each walk is 15 dollars."})
			if got := d.checked(t); len(got.Contradictions) != 0 || got.State != interview.Asking {
				t.Errorf("%s, kept %+v", got.State, got.Contradictions)
			}
		})
	}
}

// A question that an answer has made senseless is replaced, unless it was answered
// meanwhile; answers survive.
func TestSenselessQuestionsAreReplaced(t *testing.T) {
	t.Parallel()
	d, qs := clashing(t)
	instead := `{"text":"Who pays?","why":"It decides the page.","kind":"short","suggestions":["Owners","Nobody"],"hint":"","decides":"money","assumes":"We assume nobody pays."}`
	d.ask(t, turn("answers", fmt.Sprintf(`{"contradictions":[],"unfit":[%q],"instead":[%s]}`, qs[2].ID, instead))+
		turn("answers", noClash, "times 2")+sections())
	d.submit(t, interview.Reply{Question: qs[0].ID, Text: "Only I use it."})
	got := d.checked(t)
	if len(got.Questions) != 3 || got.Questions[2].Text != "Who pays?" || got.Questions[0].Answer == nil || got.Current != qs[1].ID {
		t.Fatalf("asked %+v", got.Questions)
	}
	_, err := d.Submit(t.Context(), d.actor, d.id, interview.Reply{Question: qs[2].ID, Text: "x"})
	faulttest.Wants(t, "an answer to the one that is gone", err, "not_found")
	for _, q := range got.Questions[1:] {
		d.submit(t, interview.Reply{Question: q.ID, Text: "Fine"})
	}
	if got = d.awaitState(t, interview.Written); got.State != interview.Written || strings.Contains(got.Reason, "x") {
		t.Errorf("%s %s", got.State, got.Reason)
	}
	d.checked(t)
}
