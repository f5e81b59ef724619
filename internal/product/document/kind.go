package document

import "slices"

// Kind is which document. The texts are stored and in the API.
type Kind string

// The kinds, in the order in which they are written: each sees the earlier ones.
const (
	BriefKind        Kind = "brief"
	ScopeKind        Kind = "scope"
	MilestonesKind   Kind = "milestones"
	RisksKind        Kind = "risks"
	HowItWorksKind   Kind = "how_it_works"
	ArchitectureKind Kind = "architecture"
	HandbookKind     Kind = "handbook"
)

// Kinds lists all kinds in the order in which they are written.
func Kinds() []Kind {
	return []Kind{BriefKind, ScopeKind, MilestonesKind, RisksKind, HowItWorksKind, ArchitectureKind, HandbookKind}
}

// ParseKind returns the kind with a name, and whether there is one.
func ParseKind(name string) (Kind, bool) {
	k := Kind(name)
	return k, slices.Contains(Kinds(), k)
}

// Title is what the document is called on screen.
func (k Kind) Title() string {
	switch k {
	case BriefKind:
		return "Brief"
	case ScopeKind:
		return "Scope"
	case MilestonesKind:
		return "Milestones"
	case RisksKind:
		return "Risks"
	case HowItWorksKind:
		return "How it works"
	case ArchitectureKind:
		return "Architecture"
	case HandbookKind:
		return "User guide"
	}
	return string(k)
}

// heading is one section a kind can have.
type heading struct {
	key, title string
	deeper     bool // only when the founder went deeper: not on the one page
	world      bool // says something about the world, which nobody looked up
}

// headings lists the sections of a kind in reading order. The keys are the names of
// the fields of its content.
func (k Kind) headings() []heading {
	switch k {
	case BriefKind:
		return []heading{
			{key: "problem", title: "The problem"},
			{key: "target_user", title: "Who it is for"},
			{key: "value", title: "What it does for them"},
			{key: "how_it_works_in_one_paragraph", title: "How it works"},
			{key: "key_constraints", title: "What has to be respected"},
			{key: "assumptions", title: "What we assumed"},
			{key: "risks", title: "Risks"},
			{key: "cheapest_test", title: "The cheapest test"},
			{key: "differentiation", title: "What makes it different", deeper: true},
			{key: "money", title: "Money", deeper: true, world: true},
			{key: "market_context", title: "The market", deeper: true, world: true},
			{key: "competition", title: "Others who do this", deeper: true, world: true},
			{key: "scalability", title: "If it grows", deeper: true},
		}
	case ScopeKind:
		return []heading{
			{key: "features", title: "In this version"},
			{key: "out_of_scope", title: "Not in this version"},
			{key: "success_metrics", title: "How we know that it works"},
		}
	case MilestonesKind:
		return []heading{{key: "milestones", title: "Milestones"}, {key: "critical_path", title: "What holds up the rest"}}
	case RisksKind:
		return []heading{
			{key: "technical", title: "Technical"},
			{key: "market", title: "Market"},
			{key: "execution", title: "Execution"},
			{key: "money", title: "Money"},
		}
	case HowItWorksKind:
		return []heading{
			{key: "user_journey", title: "Step by step"},
			{key: "data_flow", title: "Where the data goes"},
			{key: "what_you_need", title: "What you need"},
		}
	case ArchitectureKind:
		return []heading{
			{key: "components", title: "Parts"}, {key: "connections", title: "How they are connected"}, {key: "cost", title: "What it costs to run"},
		}
	case HandbookKind:
		return []heading{
			{key: "overview", title: "What it is"},
			{key: "features", title: "What you can do"},
			{key: "getting_started", title: "Getting started"},
			{key: "faq", title: "Questions and answers"},
			{key: "changelog", title: "What is new"},
		}
	}
	return nil
}

// Sections lists the sections the kind can have, in reading order, without lines.
func (k Kind) Sections() []Section {
	var all []Section
	for _, h := range k.headings() {
		all = append(all, Section{Key: h.key, Title: h.title, Deeper: h.deeper})
	}
	return all
}

// Has reports whether the kind has a section with a key.
func (k Kind) Has(section string) bool {
	_, ok := k.heading(section)
	return ok
}

// heading returns a section of the kind, and whether there is one.
func (k Kind) heading(key string) (heading, bool) {
	all := k.headings()
	if i := slices.IndexFunc(all, func(h heading) bool { return h.key == key }); i >= 0 {
		return all[i], true
	}
	return heading{}, false
}
