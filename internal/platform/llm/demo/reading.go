package demo

import (
	"strings"

	"cofounder/internal/platform/llm/demo/blueprint"
	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/wire"
)

// readNoun is somebody or something found in an idea.
type readNoun struct {
	Name    string   `json:"name"`
	Details []string `json:"details"`
}

// askedBack is the one thing that has to be known first.
type askedBack struct {
	Text    string `json:"text"`
	Why     string `json:"why"`
	Example string `json:"example"`
}

// readIdea is what package interview wants to know of an idea.
type readIdea struct {
	Verdict  string      `json:"verdict"`
	Line     string      `json:"line"`
	FollowUp []askedBack `json:"follow_up"`
	Name     string      `json:"name"`
	People   []readNoun  `json:"people"`
	Things   []readNoun  `json:"things"`
	Language string      `json:"language"`
}

// reading says what was understood, and into which of the six shapes it fits.
func (m *Model) reading(q *wire.Request) (any, *wire.Error) {
	h, refused := m.hear(q)
	if refused != nil {
		return nil, refused
	}
	u := h.understanding
	r := readIdea{Verdict: "can", FollowUp: []askedBack{}, Name: u.Name.Text, People: readNouns(u.People), Things: readNouns(u.Things)}
	if len(u.Questions) > 0 {
		r.Line = "I have not understood enough yet to say what can be built of it; no AI is connected."
		for _, one := range u.Questions {
			r.FollowUp = append(r.FollowUp, askedBack(one))
		}
		return r, nil
	}
	r.Language = "en" // the only one the rules know
	main := strings.ToLower(blueprint.Of(u).Things[0].Plural)
	r.Line = "I can build this as " + map[idea.Shape]string{
		idea.Bookings: "a calendar of " + main, idea.List: "a list of " + main + " with a page for each", idea.Board: "a board of " + main + " with their steps",
		idea.Log: "a log of " + main + " with totals and a chart", idea.Catalogue: "a catalogue of " + main + " with orders",
		idea.Directory: "a directory of " + main + " with a search",
	}[u.Shape.Name] + ", by fixed rules, since no AI is connected."
	return r, nil
}

func readNouns(all []idea.Noun) []readNoun {
	out := []readNoun{}
	for _, n := range all {
		if n.ID == idea.Founder {
			continue
		}
		one := readNoun{Name: n.Name, Details: []string{}}
		for _, d := range n.Details {
			one.Details = append(one.Details, d.Name)
		}
		out = append(out, one)
	}
	return out
}
