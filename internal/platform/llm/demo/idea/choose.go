package idea

import (
	"cmp"
	"slices"
	"strings"
)

// shape takes the shape with the most said for it and gives things their roles.
func (g *reading) shape() {
	p := g.chosen()
	c := Choice{Name: p.shape, Label: p.label, Why: []Quote{}}
	slices.SortStableFunc(g.evidence[p.shape], func(a, b evidence) int { return b.weight - a.weight })
	const most = 3
	for _, e := range g.evidence[p.shape][:min(len(g.evidence[p.shape]), most)] {
		c.Why = append(c.Why, e.quote)
	}
	main := g.main(p)
	for _, d := range g.orphans {
		main.add(d)
	}
	main.Role, c.Main = Main, main.ID
	g.out.Shape = c
	if i := slices.Index(g.things, main); i > 0 {
		g.things = slices.Insert(slices.Delete(g.things, i, i+1), 0, main)
	}
	g.link()
	g.arrange(p, main)
	for _, r := range g.things {
		if len(r.fields) == 0 && (r.sense.shape == p.shape || r.sense.shape != Catalogue && r.sense.shape != Directory) {
			g.usual(r, r.sense.usual...)
		}
		if len(r.fields) == 0 {
			g.usual(r, "name")
		}
	}
}

// chosen returns the plan with the most said for it.
func (g *reading) chosen() plan {
	const goods = 4
	if slices.ContainsFunc(g.things, func(r *record) bool { return asked(r.ID) && len(r.fields) > 1 }) {
		g.weight[Catalogue] += goods // "orders have a date and a status"
	}
	all := plans()
	p := slices.MaxFunc(all, func(a, b plan) int { return cmp.Compare(g.weight[a.shape], g.weight[b.shape]) })
	if at := slices.IndexFunc(all, func(p plan) bool { return p.shape == g.fixed }); at >= 0 {
		p = all[at]
	} else if g.weight[p.shape] <= 0 {
		p = all[len(all)-1]
	}
	return p
}

// arrange gives the main thing what its shape needs, and others what goes with that.
func (g *reading) arrange(p plan, main *record) {
	g.things = slices.DeleteFunc(g.things, func(r *record) bool { // "a directory of cafés": each is a place
		return p.shape == Directory && r != main && r.class.is(setting) && len(r.fields) == 0
	})
	switch p.shape {
	case Catalogue:
		g.sell(main)
	case Bookings:
		g.move(main, func(r *record, d *Detail) bool { // a room has no date of its own
			return !r.sense.dated() && (d.Type == Date && strings.HasPrefix(d.Name, "Date") || d.Type == Time || d.Name == "Number of people")
		})
	case Log:
		if main.Origin == Standard && len(main.fields) == 0 {
			g.log(main)
		}
	case Board, Directory, List:
	}
	if p.shape != Catalogue { // there the orders have them
		g.stage(main)
	}
	g.need(main, p.needs)
	g.tie(main, p.shape)
}

// main returns the thing or person the shape shows, and makes one where the founder
// named none: a booking of a room.
func (g *reading) main(p plan) *record {
	if main := g.products(p.shape); main != nil {
		return main
	}
	var main *record
	points := 0
	for _, r := range slices.Concat(g.things, g.people) {
		if n := p.fit(r); n > points {
			main, points = r, n
		}
	}
	if main == nil && p.shape != Bookings && p.shape != Log {
		main = top(g.things, func(r *record) bool { return !asked(r.ID) })
	}
	if main == nil {
		main = g.standard(g.entry(p))
	}
	return main
}

// fit is how well r would do as what the shape shows; 0 for not at all.
func (p plan) fit(r *record) int {
	const perDetail, bonus = 3, 5
	people := p.shape == Board || p.shape == Directory || p.shape == List
	fits := r.sense.shape == p.shape
	switch {
	case r.ID == Founder, r.class.is(person) && !people, asked(r.ID) && (p.shape != Board || r.ID != "request"):
		return 0
	case p.shape == Bookings:
		fits = r.sense.dated()
	case p.shape == Log:
		fits = fits || r.object[Log]
	}
	enough := len(r.fields) > 1 || len(r.fields) == 1 && p.shape != Log
	n := r.points + perDetail*len(r.fields)
	switch {
	case !fits && (!enough || p.shape == Bookings):
		return 0
	case fits && p.shape != Directory && p.shape != List:
		n += bonus
	}
	return n
}

// entry is what a shape shows where the founder named nothing.
func (g *reading) entry(p plan) string {
	if made := g.maker(p.shape); made != "" && p.shape != Catalogue { // there it makes the orders
		return made
	}
	buys := func(r *record) bool { return among(r.ID, "customer", "client", "patient", "guest", "passenger") }
	if p.shape == Bookings && slices.ContainsFunc(g.people, buys) {
		return "booking"
	}
	return p.entry
}

// asked reports whether a thing is what people ask for, rather than what they get.
func asked(id string) bool {
	return among(id, "order", "pre-order", "loan", "rental", "offer", "reservation", "request")
}

// top returns the record with the most points that fits, the earlier of equals.
func top(all []*record, fits func(*record) bool) *record {
	var top *record
	for _, r := range all {
		if fits(r) && (top == nil || r.points+2*len(r.fields) > top.points+2*len(top.fields)) {
			top = r
		}
	}
	return top
}

// products puts articles of which nothing is said but that they are sold, "eggs,
// honey and jam", together as kinds of one.
func (g *reading) products(s Shape) *record {
	kind := Detail{Name: "Kind", Type: Options, Origin: Said}
	bare := func(r *record) bool {
		counted := func(d *Detail) bool { return !counts(d) }
		return r.sense.shape == Catalogue && !slices.ContainsFunc(r.fields, counted) && !asked(r.ID)
	}
	for _, r := range g.things {
		if bare(r) {
			kind.Options, kind.Quote = append(kind.Options, r.Plural), cmp.Or(kind.Quote, r.Quote)
		}
	}
	if s != Catalogue || len(kind.Options) < 2 {
		return nil
	}
	r := g.standard("product")
	g.move(r, func(r *record, _ *Detail) bool { return bare(r) })
	g.things = slices.DeleteFunc(g.things, func(have *record) bool { return have != r && bare(have) })
	r.kinds = &kind
	r.fields = append(r.fields, r.kinds)
	g.usual(r, "price")
	return r
}

// counts reports whether a detail is "how many of each loaf", which is asked of
// orders.
func counts(d *Detail) bool { return strings.HasPrefix(d.Name, "How m") && d.Type == Number }

// maker returns the record that a verb makes which speaks for a shape, or "".
func (g *reading) maker(s Shape) string {
	for _, t := range g.tokens {
		if t.class.is(verb) && t.sense.shape == s && t.sense.makes != "" && !t.none && !t.late {
			return t.sense.makes
		}
	}
	return ""
}

// standard returns the thing of that name, added if nobody named it.
func (g *reading) standard(name string) *record {
	if at := slices.IndexFunc(g.things, func(r *record) bool { return r.ID == slug(name) }); at >= 0 {
		return g.things[at]
	}
	r := &record{sense: cmp.Or(g.lexicon.nouns[name], g.blank.sense)}
	g.noun(r, name, Standard)
	g.things = append(g.things, r)
	return r
}

// sell gives a catalogue what people ask for.
func (g *reading) sell(main *record) {
	order := top(g.things, func(r *record) bool { return r != main && asked(r.ID) })
	if order == nil {
		made := cmp.Or(g.maker(Catalogue), "order")
		if g.removed[made] {
			return
		}
		order = g.standard(made)
	}
	order.Role = Orders
	g.attach(order, main)
	g.attach(order, top(g.people, func(r *record) bool { return r.ID != Founder }))
	loan := order.ID == "loan" || order.ID == "rental"
	g.move(order, func(r *record, d *Detail) bool { return counts(d) || loan && r == main && d.Name == "Due back" })
	main.fields = slices.DeleteFunc(main.fields, func(d *Detail) bool { return loan && d.Type == Link })
	g.need(order, ordered(order.ID))
}

// stage gives main the steps that were said: "an invoice is draft, sent or paid".
func (g *reading) stage(main *record) {
	if g.stages == nil {
		return
	}
	for _, d := range main.fields {
		if strings.HasSuffix(strings.ToLower(d.Name), "status") {
			if len(d.Options) == 0 {
				d.Type, d.Options = Options, g.stages.Options
			}
			return
		}
	}
	main.fields = append(main.fields, g.stages)
}

// log gives an entry that nobody named what is noted of a person: "for every student
// what we practised". What stays with the person is how to reach them.
func (g *reading) log(entry *record) {
	of := top(g.people, func(r *record) bool { return len(r.fields) > 0 })
	if of == nil {
		return
	}
	of.fields = slices.DeleteFunc(of.fields, func(d *Detail) bool {
		stays := d.Name == "Name" || d.Type == Phone || d.Type == Email || d.Type == Address || d.Type == Photo
		if !stays {
			entry.add(d)
		}
		return !stays
	})
}

// move gives details of other things to a record.
func (g *reading) move(to *record, which func(*record, *Detail) bool) {
	for _, r := range g.things {
		if r == to {
			continue
		}
		r.fields = slices.DeleteFunc(r.fields, func(d *Detail) bool {
			moves := which(r, d)
			if moves {
				to.add(d)
			}
			return moves
		})
	}
}

// need gives r the details a shape cannot do without.
func (g *reading) need(r *record, needs []Detail) {
	for _, n := range needs {
		has := func(d *Detail) bool {
			if n.Name == "Amount" && (d.Type == Duration || d.Type == Rating || d.Origin != Standard && d.Type != Date && !g.sums && !among("amount", r.sense.usual...)) {
				return true // entries are counted
			}
			same := d.Type == n.Type && (n.Name == "Date" || n.Type == Time || n.Type == Number) || n.Type == Number && d.Type == Money
			return same || d.Name == n.Name || n.Type == Text && d.Type == Text
		}
		if slices.ContainsFunc(r.fields, has) || g.removed[r.ID+"/"+n.Name] {
			continue
		}
		if n.Name == "Status" && g.stages != nil {
			n = *g.stages
		}
		r.fields = append(r.fields, &n)
	}
}

// attach makes from point to a record of to.
func (g *reading) attach(from, to *record) {
	if to == nil || g.removed[from.ID+"/"+to.Name] || slices.ContainsFunc(from.fields, func(d *Detail) bool { return d.Of == to.ID || d.Name == to.Name }) {
		return
	}
	from.fields = append(from.fields, &Detail{Name: to.Name, Type: Link, Of: to.ID, Origin: Standard})
}

// tie links the main thing to whom and to what it is about.
func (g *reading) tie(main *record, s Shape) {
	if s != Bookings && s != Board && s != Log || main.class.is(person) {
		return
	}
	g.attach(main, top(g.people, func(r *record) bool { return r.ID != Founder }))
	if s != Board {
		g.attach(main, top(g.things, func(r *record) bool {
			return r != main && (r.sense.shape == List || r.sense.shape == Bookings && !r.sense.dated())
		}))
	}
}

// usual gives r details that things of its kind usually have.
func (g *reading) usual(r *record, names ...string) {
	for _, name := range names {
		have := func(d *Detail) bool { return d.Name == capital(name) }
		if s := g.lexicon.nouns[name]; s != nil && !g.removed[r.ID+"/"+capital(name)] && !slices.ContainsFunc(r.fields, have) {
			d := need(capital(name), s.typ)
			switch {
			case d.Type == "person":
				d.Type = Text
			case d.Name == "Status":
				d.Options = r.sense.statuses()
			}
			r.fields = append(r.fields, &d)
		}
	}
}
