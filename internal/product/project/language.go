package project

import (
	"context"
	"fmt"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

const (
	tellLanguage = `UPDATE project p SET language = $3, language_told = true, updated_at = $2 WHERE id = $1`
	hearLanguage = `UPDATE project p SET language = $3 WHERE p.workspace_id = $1 AND p.id = $2 AND NOT p.language_told`
)

// SetLanguage sets the language that what we write about a project is in, as a BCP 47 tag
// (de, pt-BR). From then on nothing we read changes it. fault.Invalid on language;
// fault.Conflict with code project_deleted.
func (p *Projects) SetLanguage(ctx context.Context, actor account.Actor, i ID, tag string) (Project, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Project{}, err
	}
	read, ok := parseLanguage(tag)
	if !ok {
		return Project{}, fault.OnField("language", "Write it like de, fr or pt-BR.")
	}
	return p.change(ctx, actor, i, func(present Project) (change, error) {
		return change{sql: tellLanguage, args: []any{read}, what: LanguageSet, tell: Told{Language: read}}, unlessDeleted(present)
	})
}

// HearLanguageTx notes the language an idea was written in, unless the founder chose one.
// A tag that is none changes nothing: it was a model's guess.
func (p *Projects) HearLanguageTx(ctx context.Context, tx pgx.Tx, actor account.Actor, i ID, tag string) error {
	read, ok := parseLanguage(tag)
	if !ok {
		return nil
	}
	if _, err := p.LockTx(ctx, tx, actor, i); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, hearLanguage, actor.Workspace, i, read); err != nil {
		return fmt.Errorf("note language: %w", err)
	}
	return nil
}

func parseLanguage(tag string) (string, bool) {
	read, err := language.Parse(tag)
	if err != nil || read == language.Und || LanguageName(read.String()) == "" {
		return "", false
	}
	return read.String(), true
}

// LanguageName is what a language is called in English: de is German. Of a tag that names
// none it is empty.
func LanguageName(tag string) string {
	read, err := language.Parse(tag)
	if err != nil || read == language.Und {
		return ""
	}
	if base, sure := read.Base(); sure == language.No || display.English.Languages().Name(base) == "" {
		return ""
	}
	return display.English.Tags().Name(read)
}

// InLanguage is the sentence that tells a model which language to write in. It belongs
// into every task whose answer a founder reads.
func (p Project) InLanguage() string {
	if name := LanguageName(p.Language); name != "" {
		return fmt.Sprintf("Write in %s (%s), whatever language these instructions are in.", name, p.Language)
	}
	return "Write in the language of the idea, whatever language these instructions are in."
}
