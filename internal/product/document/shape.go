package document

import "encoding/json"

// Input is how a value of a document is typed.
type Input string

// The ways of typing.
const (
	Words      Input = "words" // a text of any length
	OneLine    Input = "line"
	OnePerLine Input = "lines" // a list of texts
	Number     Input = "number"
	Ticked     Input = "tick"
	OneOf      Input = "one_of"
	Parts      Input = "parts" // several values together
	Items      Input = "items" // a list of such parts
	Kept       Input = "kept"  // is not typed: comes back as it was
)

// Option is one value of OneOf, as it is stored and as it is said.
type Option struct{ Value, Label string }

// Shape is how a section, or a part of it, is typed by somebody who edits it.
type Shape struct {
	Key, Label string // empty for a section: its heading says what it is
	Input      Input
	Options    []Option // of OneOf
	Of         []Shape  // of Parts and of each of Items
	One        string   // what one of Items is called
}

// Shape returns how a section of the kind is typed, and whether there is such a section.
func (k Kind) Shape(section string) (Shape, bool) {
	if !k.Has(section) {
		return Shape{}, false
	}
	if s, ok := shapes()[string(k)+"."+section]; ok {
		return s, true
	}
	return Shape{Input: Words}, true
}

// shapes are those of all sections that are not one text.
func shapes() map[string]Shape {
	list := Shape{Input: OnePerLine}
	risks := items("risk", phrase("title", "What could go wrong"), prose("description", "When and why"),
		one("severity", "How bad it would be", Option{"high", "bad"}, Option{"medium", "middling"}, Option{"low", "slight"}), prose("mitigation", "What helps"))
	criteria := Shape{Key: "criteria", Label: "What must work", Input: Items, One: "sentence", Of: []Shape{
		kept("id"), phrase("text", "Who does what, and what they then see"), {Key: "must", Label: "The version is not done without it", Input: Ticked},
	}}
	return map[string]Shape{
		"brief.key_constraints": list, "brief.risks": list,
		"brief.assumptions": items("assumption", kept("id"), prose("text", "We assume"), kept("question")),
		"scope.features": items("feature", kept("id"), phrase("name", "Name"), prose("description", "What people can do"),
			one("priority", "When", Option{"must", "in this version"}, Option{"should", "if it fits"}, Option{"later", "later"}), criteria),
		"scope.out_of_scope": list, "scope.success_metrics": list,
		"milestones.milestones": items("milestone", phrase("title", "Name"), prose("description", "What happens"),
			Shape{Key: "founder_weeks", Label: "Weeks of your own time (0: not known)", Input: Number}, listing("success_criteria", "Reached when")),
		"milestones.critical_path": list,
		"risks.technical":          risks, "risks.market": risks, "risks.execution": risks, "risks.money": risks,
		"how_it_works.user_journey":  items("step", kept("step"), phrase("title", "Name"), prose("description", "What happens")),
		"how_it_works.what_you_need": list,
		"architecture.components": items("part", phrase("name", "Name"), phrase("kind", "Kind"), prose("description", "What it does"),
			prose("choice", "Made with"), listing("alternatives", "Could also be")),
		"architecture.connections": items("connection", phrase("from", "From"), phrase("to", "To"), prose("description", "What passes")),
		"architecture.cost":        {Input: Parts, Of: []Shape{prose("start", "At the start"), prose("growing", "When it grows"), listing("lines", "What it is made of")}},
		"handbook.features":        list, "handbook.getting_started": list, "handbook.changelog": list,
		"handbook.faq": items("question", prose("question", "Question"), prose("answer", "Answer")),
	}
}

func items(one string, of ...Shape) Shape { return Shape{Input: Items, One: one, Of: of} }

func prose(key, label string) Shape   { return Shape{Key: key, Label: label, Input: Words} }
func phrase(key, label string) Shape  { return Shape{Key: key, Label: label, Input: OneLine} }
func listing(key, label string) Shape { return Shape{Key: key, Label: label, Input: OnePerLine} }
func kept(key string) Shape           { return Shape{Key: key, Input: Kept} }

func one(key, label string, of ...Option) Shape {
	return Shape{Key: key, Label: label, Input: OneOf, Options: of}
}

// Value returns what the content has in a section, as JSON; null where it has nothing.
func Value(c Content, section string) (json.RawMessage, error) {
	return part(c, Place{Section: section})
}
