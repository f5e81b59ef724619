package option

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Alignment is how far changes belong to what the first version is about.
type Alignment struct {
	Score int  // 0–100: the share of changes that belong to a core feature, rounded down
	Creep bool // they have become something else
	Says  string
	// Belongs says of each change, in order, to which feature it does; empty: to none.
	Belongs []string
}

const (
	aligned    = 100 // nothing was changed
	unnamed    = 75  // nothing is named that it could belong to
	creepBelow = 60
)

// Align compares changes with the core features of a scope, those it is nothing without.
// A change belongs to a feature when it has at least half of the words of its name, whole
// words, in whatever number.
func Align(changes []string, features []document.Feature) Alignment {
	core := map[string][]string{}
	var names []string
	for _, f := range features {
		if words := contentWords(f.Name); f.Priority == document.Must && len(words) > 0 {
			core[f.Name], names = words, append(names, f.Name)
		}
	}
	a := Alignment{Belongs: make([]string, len(changes))}
	switch {
	case len(changes) == 0:
		a.Score, a.Says = aligned, "Nothing was asked for beyond the scope."
		return a
	case len(names) == 0:
		a.Score, a.Says = unnamed, "The scope names no core features, so nothing can be compared with them."
		return a
	}
	belong := 0
	for n, change := range changes {
		has := contentWords(change)
		for _, name := range names {
			shared := 0
			for _, word := range core[name] {
				if slices.Contains(has, word) {
					shared++
				}
			}
			if 2*shared >= len(core[name]) {
				a.Belongs[n] = name
				belong++
				break
			}
		}
	}
	a.Score = aligned * belong / len(changes)
	a.Creep = a.Score < creepBelow
	a.Says = "Most of this belongs to what the first version is about."
	if a.Creep {
		a.Says = "Most of this is about other things than the first version. Each may be good; together they make it another product."
	}
	return a
}

// contentWords are the words of a text that carry meaning, in small letters and in one
// number, each once.
func contentWords(text string) []string {
	var all []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if w = oneNumber(w); len(w) > 0 && !slices.Contains(smallWords(), w) && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// oneNumber takes the ending of an English plural off.
func oneNumber(w string) string {
	const shortest = 4 // "bus" is no plural
	switch {
	case len(w) < shortest:
	case strings.HasSuffix(w, "ies"):
		return strings.TrimSuffix(w, "ies") + "y"
	case strings.HasSuffix(w, "ss"), strings.HasSuffix(w, "us"):
	case strings.HasSuffix(w, "s"):
		return strings.TrimSuffix(w, "s")
	}
	return w
}

func smallWords() []string {
	return []string{
		"a", "an", "the", "and", "or", "of", "for", "to", "in", "on", "at", "by", "with", "from", "as", "is", "are", "be", "it", "its", "my", "our",
		"your", "their", "this", "that", "one", "each", "all", "what", "who", "how", "when", "can", "i", "we", "you", "they", "people", "do",
	}
}

// Alignment compares the wishes of a project, the ticked ones where there are any, with
// its scope. No scope is fault.Conflict with code page_needed.
func (o *Options) Alignment(ctx context.Context, actor account.Actor, p project.ID) (Alignment, error) {
	wishes, err := o.Wishes(ctx, actor, p)
	if err != nil {
		return Alignment{}, err
	}
	var plan document.Scope
	err = pgx.BeginTxFunc(ctx, o.cfg.DB, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		papers, err := o.papersTx(ctx, tx, actor, p)
		plan = papers.plan
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return Alignment{}, conflict(p, "page_needed", "There is no page about your idea yet to compare with.", "questions")
	}
	if err != nil {
		return Alignment{}, err
	}
	var all, ticked []string
	for _, w := range wishes {
		all = append(all, w.Text)
		if w.Ticked {
			ticked = append(ticked, w.Text)
		}
	}
	if len(ticked) > 0 {
		all = ticked
	}
	return Align(all, plan.Features), nil
}
