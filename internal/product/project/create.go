package project

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"

	"github.com/jackc/pgx/v5"
)

const (
	maxName = 80
	maxIdea = 100_000 // bytes
	// maxDerived is the most characters of a name taken from the idea.
	maxDerived = 60
	untitled   = "Untitled idea"
)

// Draft is what makes a project. An empty name is taken from the idea.
type Draft struct {
	Name string
	Idea string
}

const create = `
INSERT INTO project AS p (id, workspace_id, name, idea, created_at, updated_at)
SELECT $4, m.workspace_id, $5, $6, $7, $7 FROM member m
WHERE m.workspace_id = $1 AND m.user_id = $2 AND NOT m.restricted AND NOT $3
RETURNING ` + columns

// Create makes an active project. fault.Invalid on idea when it is empty, too long
// or not text, or on name when too long. Somebody invited to single projects
// cannot: fault.Forbidden with code restricted.
func (p *Projects) Create(ctx context.Context, actor account.Actor, d Draft) (Project, error) {
	var made Project
	err := db.InTx(ctx, p.db, func(tx pgx.Tx) (err error) {
		made, err = p.CreateTx(ctx, tx, actor, d)
		return err
	})
	if err != nil {
		return Project{}, err
	}
	p.Wake(made.ID)
	return made, nil
}

// CreateTx is Create as a part of tx. Whoever commits it calls Wake.
func (p *Projects) CreateTx(ctx context.Context, tx pgx.Tx, actor account.Actor, d Draft) (Project, error) {
	if err := actor.Need(account.MayWrite); err != nil {
		return Project{}, err
	}
	if actor.Restricted {
		return Project{}, fault.New(fault.Forbidden, "restricted", "You were invited to single projects of this team. Ask an owner to invite you to all of them.")
	}
	var f form.Form
	name := f.Line("name", d.Name, 0, maxName)
	idea := readIdea(&f, d.Idea)
	if err := f.Err(); err != nil {
		return Project{}, err
	}
	if name == "" {
		name = nameOf(idea)
	}
	now := p.clock.Now()
	made, err := one(ctx, tx, create, sees(actor, id.Mint[ID](p.ids), name, idea, now)...)
	if fault.Is(err, fault.NotFound) { // removed from the workspace a moment ago
		return Project{}, fault.New(fault.Forbidden, "", "You are not a member of this team.")
	}
	if err != nil {
		return Project{}, fmt.Errorf("create project: %w", err)
	}
	return made, tellTx(ctx, tx, made.ID, now, Created, Told{By: actor.User, Name: made.Name})
}

func readIdea(f *form.Form, s string) string {
	idea := f.Block("idea", s, maxIdea)
	if !f.Refused("idea") && !strings.ContainsFunc(idea, visible) {
		f.Refuse("idea", "Tell me your idea first, in a sentence or two.")
	}
	return idea
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// nameOf makes a name of an idea: its first line with a letter or digit, of that
// the first sentence, cut at the end of a word to sixty characters.
func nameOf(idea string) string {
	for line := range strings.Lines(idea) {
		line = strings.TrimFunc(printable(line), func(r rune) bool {
			return unicode.IsSpace(r) || strings.ContainsRune("#*>-_=•`|", r) // marks of lists and headings
		})
		if !strings.ContainsFunc(line, wordly) {
			continue
		}
		if name := shorten(firstSentence(line)); name != "" {
			return name
		}
	}
	return untitled
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// printable turns every kind of space into one plain space and drops what cannot
// be seen.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) && r != '\u200c' && r != '\u200d':
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// firstSentence cuts a line after its first sentence, without the full stop. A
// stop inside a word or number (v1.2, e.g.) ends nothing, nor does one so early that
// little would be left.
func firstSentence(line string) string {
	for i, r := range line {
		if !strings.ContainsRune(".!?。！？", r) {
			continue
		}
		after := line[i+utf8.RuneLen(r):]
		wide := r > unicode.MaxASCII // scripts without spaces between sentences
		if (wide || strings.HasPrefix(after, " ") || after == "") && (wide || utf8.RuneCountInString(line[:i]) >= 8) {
			if r == '.' || r == '。' {
				return line[:i]
			}
			return line[:i+utf8.RuneLen(r)]
		}
	}
	return line
}

// shorten cuts s to maxDerived characters, at the end of a word where there is
// one, and never inside a letter with its accents or a joined emoji.
func shorten(s string) string {
	if utf8.RuneCountInString(s) <= maxDerived {
		return strings.TrimSpace(s)
	}
	runes := []rune(s)
	for end := maxDerived; end > maxDerived/2; end-- {
		if runes[end] == ' ' {
			return strings.TrimRightFunc(string(runes[:end]), func(r rune) bool { return !wordly(r) && !unicode.IsMark(r) && r != ')' && r != '"' })
		}
	}
	end := maxDerived
	for end > 0 && (unicode.IsMark(runes[end]) || runes[end] == '\u200d' || runes[end-1] == '\u200d') {
		end--
	}
	if end == 0 {
		end = maxDerived
	}
	return strings.TrimSpace(string(runes[:end]))
}
