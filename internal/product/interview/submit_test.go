package interview_test

import (
	"strings"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/account"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/project"
)

func TestShortIdeasAreAskedAboutFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name, idea string
		want       interview.State
	}{
		{"one word", "Dogs", interview.Asking},
		{"nine words", "An app for dogs and those who walk them", interview.Asking},
		{"ten words", "An app for the dogs and those who walk them", interview.Reading},
		{"another script", "犬の散歩の予約をするためのサイトが欲しいです。飼い主が選びます", interview.Reading},
	}
	for _, tt := range tests {
		d := w.tell(t, tt.idea)
		got := d.look(t)
		if got.State != tt.want || (got.Current != "") != (tt.want == interview.Asking) {
			t.Errorf("%s: %s with question %q, want %s", tt.name, got.State, got.Current, tt.want)
		}
	}
	_, err := w.Begin(t.Context(), w.founder(t), project.Draft{Idea: " \n "})
	faulttest.Wants(t, "an empty idea", err, "invalid idea")
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.tell(t, "Dogs")
	first := d.look(t).Current
	submit := func(r interview.Reply) error {
		_, err := d.Submit(t.Context(), d.actor, d.id, r)
		return err
	}
	faulttest.Wants(t, "nothing", submit(interview.Reply{Question: first, Text: " "}), "invalid text")
	faulttest.Wants(t, "too much", submit(interview.Reply{Question: first, Text: strings.Repeat("x", 20_001)}), "invalid text")
	faulttest.Wants(t, "unknown", submit(interview.Reply{Question: "que_00000000000000000000000000", Text: "x"}), "not_found")
	_, err := d.Enough(t.Context(), d.actor, d.id)
	faulttest.Wants(t, "enough before anything is known", err, "conflict not_yet")
	_, err = d.GoDeeper(t.Context(), d.actor, d.id, interview.Quick)
	faulttest.Wants(t, "no such depth", err, "invalid depth")
	_, err = d.Rewrite(t.Context(), d.actor, d.id)
	faulttest.Wants(t, "no page yet", err, "conflict not_yet")

	if got := d.submit(t, interview.Reply{Question: first, Text: "Owners book walks."}); got.State != interview.Reading || got.Questions[0].Answer.Number != 1 {
		t.Errorf("after the answer: %s %+v", got.State, got.Questions[0].Answer)
	}
	if got := d.submit(t, interview.Reply{Question: first, Text: "Owners book walks."}); got.Questions[0].Answer.Number != 1 {
		t.Errorf("a repeat made wording %d", got.Questions[0].Answer.Number)
	}
	if got := d.submit(t, interview.Reply{Question: first, Text: "Owners book hours."}); got.Questions[0].Answer.Number != 2 || got.State != interview.Reading {
		t.Errorf("an edit: %s, wording %d", got.State, got.Questions[0].Answer.Number)
	}
	var runs, kept int
	if err := w.db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM question_answer)`).Scan(&runs, &kept); err != nil || runs != 1 || kept != 2 {
		t.Errorf("%d runs, %d wordings, want 1 and 2: %v", runs, kept, err)
	}

	stranger := w.founder(t)
	_, err = w.Get(t.Context(), stranger, d.id)
	faulttest.Wants(t, "a stranger looks", err, "not_found")
	_, err = w.Submit(t.Context(), stranger, d.id, interview.Reply{Question: first, Text: "x"})
	faulttest.Wants(t, "a stranger answers", err, "not_found")
	viewer := d.actor
	viewer.Role = account.Viewer
	_, err = w.Submit(t.Context(), viewer, d.id, interview.Reply{Question: first, Text: "x"})
	faulttest.Wants(t, "a viewer answers", err, "forbidden viewer_only")
	if _, err := w.projects.Park(t.Context(), d.actor, d.id, ""); err != nil {
		t.Fatal(err)
	}
	faulttest.Wants(t, "on hold", submit(interview.Reply{Question: first, Text: "x"}), "conflict project_parked")
}
