package idea

import (
	"cmp"
	"slices"
	"strings"
)

// Chip is what a correction changes.
type Chip string

// The chips.
const (
	ThingChip  Chip = "thing"
	PersonChip Chip = "person"
	DetailChip Chip = "detail"
	NameChip   Chip = "name"
	ColourChip Chip = "colour"
	ShapeChip  Chip = "shape"
)

// Correction is one chip the founder changed. What it names and is not there any
// more, because the text has changed since, is passed over.
type Correction struct {
	Chip    Chip     `json:"chip"`
	Of      string   `json:"of"`   // with a detail: the ID or the name of its thing or person
	From    string   `json:"from"` // the ID or the name, of a detail the name; empty adds To
	To      string   `json:"to"`   // what it is called now; empty takes From away
	Type    Type     `json:"type"` // of a detail; empty leaves it
	Options []string `json:"options"`
}

func (g *reading) correct(c Correction) {
	switch c.Chip {
	case NameChip:
		g.out.Name = Name{Text: c.To, Origin: Corrected}
	case ColourChip:
		if hex := g.lexicon.table["colour"][strings.ToLower(c.To)]; hex != "" {
			g.out.Colour = Colour{Name: g.lexicon.names[hex], Hex: hex, Origin: Corrected}
		}
	case ShapeChip:
		g.fixed, g.told, g.sums = Shape(c.To), true, true
	case ThingChip:
		g.things = g.rename(g.things, c)
	case PersonChip:
		g.people = g.rename(g.people, c)
	case DetailChip:
		for _, r := range slices.Concat(g.things, g.people) {
			if r.is(c.Of) {
				g.redetail(r, c)
			}
		}
	}
}

// is reports whether r has this ID or name.
func (r *record) is(called string) bool { return r.ID == called || strings.EqualFold(r.Name, called) }

// rename adds, renames or removes a thing or a person.
func (g *reading) rename(all []*record, c Correction) []*record {
	const wanted = 50 // more points than words alone give
	g.told = true
	is := func(r *record) bool { return r.is(c.From) }
	if c.To == "" {
		g.removed[slug(c.From)] = true
		return slices.DeleteFunc(all, func(r *record) bool {
			g.removed[r.ID] = g.removed[r.ID] || is(r)
			return is(r)
		})
	}
	name, _ := g.lexicon.singular(strings.ToLower(strings.Join(strings.Fields(c.To), " ")))
	at := slices.IndexFunc(all, is)
	if c.From == "" {
		r := &record{sense: cmp.Or(g.lexicon.nouns[name], g.blank.sense), points: wanted}
		r.class = r.sense.class &^ person
		if c.Chip == PersonChip {
			r.class = person
		}
		g.noun(r, name, Corrected)
		return append(all, r)
	}
	if at >= 0 {
		all[at].Name, all[at].Plural, all[at].Origin = capital(name), capital(g.lexicon.plural(name)), Corrected
	}
	return all
}

// redetail adds, changes or removes a detail of r.
func (g *reading) redetail(r *record, c Correction) {
	at := slices.IndexFunc(r.fields, func(d *Detail) bool { return d.Name == c.From })
	g.removed[r.ID+"/"+c.From] = true
	if c.To == "" {
		r.fields = slices.DeleteFunc(r.fields, func(d *Detail) bool { return d.Name == c.From })
		return
	}
	d := &Detail{Type: Text}
	if at >= 0 {
		d = r.fields[at]
	} else {
		r.fields = append(r.fields, d)
	}
	name, _ := g.lexicon.singular(strings.ToLower(c.To))
	if s := g.lexicon.nouns[name]; at < 0 && s != nil && s.typ != "" {
		d.Type = s.typ
	}
	d.Name, d.Origin, d.Type = capital(c.To), Corrected, cmp.Or(c.Type, d.Type)
	if c.Options != nil {
		d.Options = c.Options
	}
}
