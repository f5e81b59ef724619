package interview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/account/form"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
)

// Chips are what we understood of an idea as the founder sees and corrects it.
type Chips struct {
	Name           string
	People, Things []Chip
}

// Chip is somebody who uses the product, or something it keeps track of.
type Chip struct {
	From    string // the name as we understood it; empty: the founder added it
	Name    string
	Details []string
}

// Correction is one thing that the founder changed about our reading of the idea.
type Correction struct {
	Chip ChipKind `json:"chip"`
	Of   string   `json:"of"`   // with a detail: whose it is, as we understood it or as it was added
	From string   `json:"from"` // as we understood it; empty adds To
	To   string   `json:"to"`   // as the founder calls it; empty takes From away
}

// ChipKind is what a correction is about.
type ChipKind string

// The kinds. Models know them by these texts.
const (
	NameChip   ChipKind = "name"
	PersonChip ChipKind = "person"
	ThingChip  ChipKind = "thing"
	DetailChip ChipKind = "detail"
)

const (
	maxChips    = 12 // people, and things
	maxChipName = 60 // characters
	maxDetails  = 12
)

// chips returns a reading with corrections in it. What they name and is not there any
// more, because the idea was read again since, is passed over.
func chips(read Understanding, all []Correction) Chips {
	c := Chips{Name: read.Name, People: chipsOf(read.People), Things: chipsOf(read.Things)}
	for _, one := range all {
		switch one.Chip {
		case NameChip:
			c.Name = one.To
		case PersonChip:
			c.People = one.in(c.People)
		case ThingChip:
			c.Things = one.in(c.Things)
		case DetailChip:
			for _, list := range [][]Chip{c.People, c.Things} {
				if at := slices.IndexFunc(list, func(chip Chip) bool { return chip.called() == one.Of }); at >= 0 {
					list[at].Details = one.inDetails(list[at].Details)
				}
			}
		}
	}
	return c
}

// called is what corrections of details call a chip.
func (c Chip) called() string {
	if c.From == "" {
		return c.Name
	}
	return c.From
}

func chipsOf(nouns []Noun) []Chip {
	all := make([]Chip, 0, len(nouns))
	for _, n := range nouns {
		all = append(all, Chip{From: n.Name, Name: n.Name, Details: append([]string{}, n.Details...)})
	}
	return all
}

// in adds, renames or takes away a chip.
func (c Correction) in(all []Chip) []Chip {
	if c.From == "" {
		return append(all, Chip{Name: c.To, Details: []string{}})
	}
	at := slices.IndexFunc(all, func(chip Chip) bool { return chip.From == c.From })
	switch {
	case at < 0:
	case c.To == "":
		return slices.Delete(all, at, at+1)
	default:
		all[at].Name = c.To
	}
	return all
}

func (c Correction) inDetails(all []string) []string {
	if c.From == "" {
		return append(all, c.To)
	}
	at := slices.Index(all, c.From)
	switch {
	case at < 0:
	case c.To == "":
		return slices.Delete(all, at, at+1)
	default:
		all[at] = c.To
	}
	return all
}

// corrections returns what makes c of a reading, details before the names they belong to.
func (c Chips) corrections(read Understanding) []Correction {
	all := []Correction{}
	if c.Name != read.Name && c.Name != "" {
		all = append(all, Correction{Chip: NameChip, From: read.Name, To: c.Name})
	}
	all = append(all, corrected(PersonChip, read.People, c.People)...)
	return append(all, corrected(ThingChip, read.Things, c.Things)...)
}

func corrected(kind ChipKind, read []Noun, want []Chip) []Correction {
	var details, names, added []Correction
	for _, n := range read {
		at := slices.IndexFunc(want, func(c Chip) bool { return c.From == n.Name && c.Name != "" })
		if at < 0 {
			names = append(names, Correction{Chip: kind, From: n.Name})
			continue
		}
		details = append(details, correctedDetails(n.Name, n.Details, want[at].Details)...)
		if want[at].Name != n.Name {
			names = append(names, Correction{Chip: kind, From: n.Name, To: want[at].Name})
		}
	}
	for _, c := range want {
		if c.Name == "" || c.From != "" && slices.ContainsFunc(read, func(n Noun) bool { return n.Name == c.From }) {
			continue
		}
		added = append(added, Correction{Chip: kind, To: c.Name})
		added = append(added, correctedDetails(c.Name, nil, c.Details)...)
	}
	return slices.Concat(details, names, added)
}

// correctedDetails compares lists. Of as many as before, those in other words are the
// same ones renamed.
func correctedDetails(of string, before, now []string) []Correction {
	var all []Correction
	if len(before) == len(now) {
		for n, was := range before {
			if now[n] != was {
				all = append(all, Correction{Chip: DetailChip, Of: of, From: was, To: now[n]})
			}
		}
		return all
	}
	for _, was := range before {
		if !slices.Contains(now, was) {
			all = append(all, Correction{Chip: DetailChip, Of: of, From: was})
		}
	}
	for _, is := range now {
		if !slices.Contains(before, is) {
			all = append(all, Correction{Chip: DetailChip, Of: of, To: is})
		}
	}
	return all
}

// checked returns chips as they are stored, or what is wrong with them.
func (c Chips) checked() (Chips, error) {
	var f form.Form
	c.Name = f.Line("name", c.Name, 0, maxChipName)
	c.People, c.Things = checkedChips(&f, "people", c.People), checkedChips(&f, "things", c.Things)
	details := 0
	for _, one := range slices.Concat(c.People, c.Things) {
		details += len(one.Details)
	}
	// With less nothing could be asked or built.
	if n := len(c.People) + len(c.Things); n == 0 || n == 1 && details < 2 {
		f.Refuse("things", "Leave me a little more: two people or things, or one with two details.")
	}
	return c, f.Err()
}

func checkedChips(f *form.Form, field string, all []Chip) []Chip {
	kept := []Chip{}
	for n, c := range all {
		at := fmt.Sprintf("%s.%d", field, n)
		c.Name = f.Line(at, c.Name, 0, maxChipName)
		if c.Name == "" {
			continue
		}
		if slices.ContainsFunc(kept, func(other Chip) bool { return strings.EqualFold(other.Name, c.Name) }) {
			f.Refuse(at, "This is there twice: "+c.Name)
		}
		details := []string{}
		for _, d := range c.Details {
			d = f.Line(at+".details", d, 0, maxChipName)
			if d != "" && !slices.Contains(details, d) {
				details = append(details, d)
			}
		}
		if len(details) > maxDetails {
			f.Refuse(at+".details", fmt.Sprintf("At most %d details, please.", maxDetails))
		}
		c.Details = details
		kept = append(kept, c)
	}
	if len(kept) > maxChips {
		f.Refuse(field, fmt.Sprintf("At most %d, please.", maxChips))
	}
	return kept
}

// storedCorrections are the corrections in force.
type storedCorrections struct {
	Number      int
	Corrections []Correction
	Revision    int
}

// text is the list as models read it.
func (s storedCorrections) text() string {
	raw, err := json.Marshal(s.Corrections)
	if err != nil {
		panic("interview: " + err.Error()) // texts always encode
	}
	return string(raw)
}

const (
	getCorrections = `
SELECT c.number, c.corrections, c.revision FROM interview_correction c WHERE c.project_id = $1 ORDER BY c.number DESC LIMIT 1`
	insertCorrections = `
INSERT INTO interview_correction (project_id, number, corrections, revision, author, at) VALUES ($1, $2, $3, $4, $5, $6)`
)

// correctionsOf returns what the founder corrected last; nothing is a zero value.
func correctionsOf(ctx context.Context, q querier, p project.ID) (storedCorrections, error) {
	found, err := q.Query(ctx, getCorrections, p)
	if err != nil {
		return storedCorrections{}, fmt.Errorf("ask for corrections: %w", err)
	}
	kept, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[storedCorrections])
	if errors.Is(err, pgx.ErrNoRows) {
		return storedCorrections{}, nil
	}
	if err != nil {
		return storedCorrections{}, fmt.Errorf("read corrections: %w", err)
	}
	return kept, nil
}

// Correct takes what we understood as the founder says it is. The same again changes
// nothing. What is open is then looked at anew, in the background. fault.Invalid on
// people.N, things.N and their details; fault.Conflict with code not_yet before the
// idea is understood.
func (i *Interviews) Correct(ctx context.Context, actor account.Actor, p project.ID, c Chips) (Interview, error) {
	return i.locked(ctx, actor, p, func(tx pgx.Tx, in project.Project, r row) error {
		read, err := r.understood()
		if err != nil {
			return err
		}
		if read == nil {
			return fault.New(fault.Conflict, "not_yet", "I have not read your idea yet. Wait a moment, please.")
		}
		if c, err = c.checked(); err != nil {
			return err
		}
		before, err := correctionsOf(ctx, tx, p)
		if err != nil {
			return err
		}
		now := c.corrections(*read)
		if slices.Equal(now, before.Corrections) {
			return nil
		}
		r.Revision++
		if _, err := tx.Exec(ctx, insertCorrections, p, before.Number+1, now, r.Revision, actor.User, i.cfg.Clock.Now()); err != nil {
			return fmt.Errorf("store corrections: %w", err)
		}
		run := in.Run(project.RunCheckAnswers, actor.User, fmt.Sprintf("%s/answers/%d", p, r.Revision), order{Reread: true})
		if _, err := i.cfg.Runs.StartTx(ctx, tx, run); err != nil {
			return err
		}
		return i.saveTx(ctx, tx, p, r, Corrected, told{State: r.State})
	})
}

// understood returns how we read the idea; nil: not yet.
func (r row) understood() (*Understanding, error) {
	if r.Understanding == nil {
		return nil, nil //nolint:nilnil // not read yet is no error, and no reading either
	}
	var u Understanding
	if err := json.Unmarshal(r.Understanding, &u); err != nil {
		return nil, fmt.Errorf("read understanding: %w", err)
	}
	return &u, nil
}
