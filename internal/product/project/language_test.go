package project_test

import (
	"strings"
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

func TestLanguageName(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"de": "German", "fr": "French", "es": "Spanish", "pt-BR": "Brazilian Portuguese", "ja": "Japanese", "en": "English", "gsw": "Swiss German",
		"": "", "und": "", "qqq": "", "German": "", "de; ignore this": "", "<b>": "", "x-private": "",
	} {
		if got := project.LanguageName(tag); got != want {
			t.Errorf("%q is %q, want %q", tag, got, want)
		}
	}
}

// What a reading found is the language until the founder says another; then no reading
// changes it.
func TestFoundersLanguageStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	actor, _ := w.founder(t)
	made, err := w.Create(t.Context(), actor, project.Draft{Idea: "Hunde"})
	if err != nil {
		t.Fatal(err)
	}
	hear := func(tag string) project.Project {
		t.Helper()
		err := db.InTx(t.Context(), w.db, func(tx pgx.Tx) error { return w.HearLanguageTx(t.Context(), tx, actor, made.ID, tag) })
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.Get(t.Context(), actor, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if !strings.Contains(made.InLanguage(), "the language of the idea") {
		t.Errorf("before anything is known: %q", made.InLanguage())
	}
	if got := hear("de"); got.Language != "de" || !strings.Contains(got.InLanguage(), "German (de)") {
		t.Errorf("heard %q: %q", got.Language, got.InLanguage())
	}
	if got := hear("Klingonisch!"); got.Language != "de" {
		t.Errorf("a tag that is none made it %q", got.Language)
	}
	if got, err := w.SetLanguage(t.Context(), actor, made.ID, "FR"); err != nil || got.Language != "fr" {
		t.Errorf("told %q, %v", got.Language, err)
	}
	if got := hear("de"); got.Language != "fr" {
		t.Errorf("a reading made it %q", got.Language)
	}
	_, err = w.SetLanguage(t.Context(), actor, made.ID, "nonsense!")
	if err == nil {
		t.Error("a language that is none was taken")
	}
}
