package blueprint

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"cofounder/internal/platform/llm/demo/idea"
)

// Blueprint is an app to be generated.
type Blueprint struct {
	Name    string // "Dog Planner"
	Slug    string // "dog-planner": letters, digits and hyphens
	Palette Palette
	Shape   idea.Shape
	People  []Person
	Things  []Thing // the main one first, then what is ordered, then the others
	Deeds   []Deed
	Screen  Screen
}

// Person is somebody who uses the app.
type Person struct {
	ID, Name, Plural string
	Founder          bool
	Thing            string // the ID of the thing that keeps records of them, or ""
}

// Thing is a kind of record.
type Thing struct {
	ID, Name, Plural string
	Role             idea.Role
	Person           bool // its records are people
	Fields           []Field
	Title            string     // the ID of the field by which a record is called
	Sort             string     // the ID of the field by which lists are in order
	Descending       bool       // the newest first
	Samples          [][]string // a row has a value for each field
}

// Field is one field of a thing.
type Field struct {
	ID, Label string
	Type      idea.Type
	Options   []string // with a choice; empty: whatever was entered before is offered
	Of        string   // with a link: the ID of a thing
	Required  bool
	Listed    bool // shown in lists, not only on the page of the record
	Standard  bool // nobody asked for it; the shape needs it
}

// Deed is something somebody does: a button, and what it is for.
type Deed struct {
	Who   string // the ID of a person
	Verb  string // "pick", as the founder says it
	Thing string // the ID of a thing, or ""
}

// Screen says what the first page is drawn from: IDs of fields of Thing, "" where the
// shape needs none or there is none.
type Screen struct {
	Thing   string
	Date    string   // a calendar's day, a log's
	Time    string   // a calendar's hour
	Status  string   // the columns of a board
	Measure string   // what a log adds up; "" counts the records
	By      string   // what a log's totals are split by
	Price   string   // a catalogue's
	Photo   string   // where pictures carry the page
	Orders  string   // the ID of the thing that is ordered with, of a catalogue
	Filters []string // choices, links and yes or no
	Search  []string // what typed words are looked for in
}

// Of returns the blueprint of an understanding that has no question left.
func Of(u idea.Understanding) Blueprint {
	b := &Blueprint{Name: u.Name.Text, Slug: slug(u.Name.Text, "-"), Palette: palette(u.Colour), Shape: u.Shape.Name}
	if b.Slug == "" {
		b.Slug = "app"
	}
	kept := keptPeople(u)
	for _, role := range []idea.Role{idea.Main, idea.Orders, idea.Side} {
		for _, n := range u.Things {
			if n.Role == role {
				b.Things = append(b.Things, thing(n))
			}
		}
		for _, n := range u.People {
			if n.Role == role && kept[n.ID] {
				b.Things = append(b.Things, personal(n))
			}
		}
	}
	for _, n := range u.People {
		p := Person{ID: identifier(n.ID), Name: n.Name, Plural: n.Plural, Founder: n.ID == idea.Founder}
		if kept[n.ID] {
			p.Thing = p.ID
		}
		b.People = append(b.People, p)
	}
	for _, a := range u.Actions {
		d := Deed{Who: identifier(a.Who), Verb: a.Does}
		if _, ok := b.Thing(identifier(a.What)); ok && a.What != "" {
			d.Thing = identifier(a.What)
		}
		b.Deeds = append(b.Deeds, d)
	}
	b.Screen = screen(b.Shape, b.Things)
	b.Things = filled(*b, u)
	return *b
}

// keptPeople are the IDs of the people of whom there are records: the main ones, those
// with details, those that others link to.
func keptPeople(u idea.Understanding) map[string]bool {
	kept := map[string]bool{u.Shape.Main: true}
	for _, n := range slices.Concat(u.Things, u.People) {
		kept[n.ID] = kept[n.ID] || len(n.Details) > 0
		for _, d := range n.Details {
			if d.Type == idea.Link {
				kept[d.Of] = true
			}
		}
	}
	delete(kept, idea.Founder)
	return kept
}

// Thing returns the thing with that ID.
func (b Blueprint) Thing(id string) (Thing, bool) {
	at := slices.IndexFunc(b.Things, func(t Thing) bool { return t.ID == id })
	if at < 0 {
		return Thing{}, false
	}
	return b.Things[at], true
}

// Person returns the person with that ID.
func (b Blueprint) Person(id string) (Person, bool) {
	at := slices.IndexFunc(b.People, func(p Person) bool { return p.ID == id })
	if at < 0 {
		return Person{}, false
	}
	return b.People[at], true
}

// Field returns the field with that ID.
func (t Thing) Field(id string) (Field, bool) {
	at := slices.IndexFunc(t.Fields, func(f Field) bool { return f.ID == id })
	if at < 0 {
		return Field{}, false
	}
	return t.Fields[at], true
}

// personal makes a thing of people, who have a name.
func personal(n idea.Noun) Thing {
	t := bare(n)
	t.Person = true
	if t.Title == "" {
		called(t)
	}
	return listed(t)
}

// thing makes a thing of a noun. One that nothing says what it is called gets a name.
func thing(n idea.Noun) Thing {
	t := bare(n)
	if t.Title == "" && (len(t.Fields) == 0 || n.Role == idea.Side && first(t.Fields, idea.Date, idea.Link) == "") {
		called(t)
	}
	if t.Title == "" {
		t.Title = cmp.Or(first(t.Fields, idea.Link, idea.Date, idea.Options, idea.Note, idea.Number, idea.Money), t.Fields[0].ID)
	}
	return listed(t)
}

// called gives t a name to be called by.
func called(t *Thing) {
	t.Title = "name"
	for slices.ContainsFunc(t.Fields, func(f Field) bool { return f.ID == t.Title }) { // of another type
		t.Title += "_2"
	}
	t.Fields = slices.Insert(t.Fields, 0, Field{ID: t.Title, Label: "Name", Type: idea.Text, Standard: true})
}

// bare makes a thing of a noun and its details alone.
func bare(n idea.Noun) *Thing {
	t := &Thing{ID: identifier(n.ID), Name: n.Name, Plural: n.Plural, Role: n.Role}
	taken := map[string]bool{"id": true}
	for _, d := range n.Details {
		f := Field{ID: identifier(d.Name), Label: d.Name, Type: d.Type, Options: d.Options, Standard: d.Origin == idea.Standard}
		for taken[f.ID] {
			f.ID += "_2"
		}
		taken[f.ID] = true
		if d.Type == idea.Link {
			f.Of = identifier(d.Of)
		}
		t.Fields = append(t.Fields, f)
	}
	t.Title = title(t.Fields)
	return t
}

// listed says which fields of t lists show, which must be filled in, and the order.
func listed(t *Thing) Thing {
	const most = 5
	listed := 0
	for i := range t.Fields {
		f := &t.Fields[i]
		f.Required = f.ID == t.Title || f.Type == idea.Date && t.Role == idea.Main
		f.Listed = f.Required || listed < most && f.Type != idea.Note && f.Type != idea.Web && f.Type != idea.Email
		if f.Listed {
			listed++
		}
	}
	t.Sort = t.Title
	if date := first(t.Fields, idea.Date); date != "" {
		t.Sort = date
	}
	return *t
}

// title is the field a record is called by: a name or a title, else the first text.
func title(fields []Field) string {
	for _, want := range []string{"name", "title"} {
		for _, f := range fields {
			if f.Type == idea.Text && (f.ID == want || strings.HasSuffix(f.ID, "_"+want)) {
				return f.ID
			}
		}
	}
	return first(fields, idea.Text)
}

// first is the first field of one of these types, by their order, or "".
func first(fields []Field, types ...idea.Type) string {
	for _, typ := range types {
		for _, f := range fields {
			if f.Type == typ {
				return f.ID
			}
		}
	}
	return ""
}

// screen finds what a shape is drawn from; of a log the newest come first.
func screen(shape idea.Shape, things []Thing) Screen {
	t := &things[0]
	s := Screen{Thing: t.ID, Photo: first(t.Fields, idea.Photo), Price: first(t.Fields, idea.Money)}
	s.Date, s.Time = first(t.Fields, idea.Date), first(t.Fields, idea.Time)
	for _, f := range t.Fields {
		switch {
		case f.Type == idea.Options && strings.HasSuffix(f.ID, "status"):
			s.Status, s.Filters = f.ID, append(s.Filters, f.ID)
		case f.Type == idea.Options, f.Type == idea.Link, f.Type == idea.YesNo:
			s.Filters = append(s.Filters, f.ID)
		case f.Type == idea.Text, f.Type == idea.Note, f.Type == idea.Address:
			s.Search = append(s.Search, f.ID)
		}
	}
	if shape == idea.Log {
		s.Measure = first(t.Fields, idea.Money, idea.Duration, idea.Number)
		s.By = first(t.Fields, idea.Link, idea.Options)
		t.Descending = s.Date != ""
	}
	for _, other := range things {
		if other.Role == idea.Orders {
			s.Orders = other.ID
		}
	}
	return s
}

// identifier makes a name of small letters, digits and _ that any language takes.
func identifier(name string) string {
	id := slug(name, "_")
	if id == "" || unicode.IsDigit(rune(id[0])) {
		id = strings.Trim("x_"+id, "_")
	}
	return id
}

// slug keeps the letters and digits of ASCII and puts sep between words.
func slug(name, sep string) string {
	words := strings.FieldsFunc(strings.ToLower(plain(name)), func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return strings.Join(words, sep)
}

// plain writes the commonest accents without them.
func plain(s string) string {
	return strings.NewReplacer("é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "ä", "a", "ö", "o", "ü", "u", "ß", "ss", "ñ", "n", "ç", "c", "'", "", "’", "").Replace(s)
}
