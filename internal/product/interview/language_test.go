package interview_test

import (
	"testing"

	"cofounder/internal/product/interview"
	"cofounder/internal/product/interview/attachment"
)

// Every prompt names the language: that of the idea while it is not known, then the one
// the reading found, then the one the founder chose.
func TestPromptsNameTheLanguage(t *testing.T) {
	t.Parallel()
	const unknown, german, french = "expect Write in the language of the idea", "expect Write in German (de)", "expect Write in French (fr)"
	w := newWorld(t).start(t)
	reads := `{"verdict":"can","line":"Das kann ich bauen.","follow_up":[],"name":"Gassi","people":[{"name":"Halter","details":[]}],"things":[],"language":"de"}`
	w.ask(t, turn("file", `{"readable":true,"says":"x","because":""}`, unknown)+turn("reading", reads, unknown)+
		turn("questions", threeQuestions(t), german)+turn("answers", noClash, "times 3", german)+sections(german))
	d := w.tellWith(t, "Hundehalter buchen Spaziergänge, und ich sehe meine Woche mit allen Hunden.", attachment.File{Name: "a", Content: []byte(aPDF)})
	for _, q := range d.awaitState(t, interview.Asking).Questions {
		d.submit(t, interview.Reply{Question: q.ID, Text: "Eins"})
	}
	if got := d.awaitState(t, interview.Written); got.State != interview.Written {
		t.Fatalf("%s %s", got.State, got.Reason)
	}
	d.settled(t, "check_answers")

	if _, err := w.projects.SetLanguage(t.Context(), d.actor, d.id, "fr"); err != nil {
		t.Fatal(err)
	}
	w.ask(t, sections(french))
	if _, err := d.Rewrite(t.Context(), d.actor, d.id); err != nil {
		t.Fatal(err)
	}
	if got := d.awaitState(t, interview.Written); got.State != interview.Written {
		t.Fatalf("%s %s", got.State, got.Reason)
	}
}

// Without an AI another language is answered with the honest question.
func TestDemoAsksInAnotherLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start(t)
	d := w.tell(t, "Ich möchte eine App, in der Hundehalter Spaziergänge buchen und ich meine Woche sehe.")
	got := d.awaitState(t, interview.Asking)
	if len(got.Questions) != 1 || got.Questions[0].Text != "What does your app keep track of?" || got.Questions[0].Hint == "" {
		t.Errorf("asked %+v", got.Questions)
	}
	if p, err := w.projects.Get(t.Context(), d.actor, d.id); err != nil || p.Language != "" {
		t.Errorf("the language is %q, %v", p.Language, err)
	}
}
