package view

// Start is the page that asks for an idea.
type Start struct {
	Form     Form
	Example  int // 1–3, the example in the box; 0 is none
	Examples []Example
	Machine  []Fact
	First    bool   // there is no project yet
	Spent    string // by the team, this month
}

// Example is an idea to begin with.
type Example struct{ Label, Text string }

// Fact is one thing this computer can or cannot do.
type Fact struct {
	What   string // "Run your app safely"
	Can    bool
	Detail string // how, or why not
	Do     string // what makes it possible; empty when it is
}

// Examples returns the ideas the page offers.
func Examples() []Example {
	return []Example{
		{"Bookings for a dog walker", "I walk dogs for eleven families. Every Sunday evening I text everyone to plan the week. I want one page where they pick a free slot themselves, and where I see my week with each dog's name and its quirks."},
		{"Harvest log for an allotment", "Our allotment has 24 members. We want to write down what was harvested, how much and from which bed, and see at the end of the month who took what and which bed did best."},
		{"Who sings on Sunday", "I lead a choir of forty. For each Sunday I need to know who comes, in which voice, and whether any voice is too thin. Members should answer with one tap, without an account."},
	}
}
