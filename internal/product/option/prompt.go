package option

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"

	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"
)

//go:embed prompt/*.tmpl
var promptFiles embed.FS

// prompts are the fixed texts of the tasks: the stable beginning of each request. What
// belongs to a project stands in the turn of the user, the founder's words first and the
// task last.
type prompts struct{ optioner, pricer string }

// newPrompts panics on a text that cannot be written: that is a mistake in a file.
func newPrompts() *prompts {
	files := template.Must(template.ParseFS(promptFiles, "prompt/*.tmpl"))
	text := func(name string) string {
		var s strings.Builder
		if err := files.ExecuteTemplate(&s, name, nil); err != nil {
			panic("option: " + err.Error())
		}
		return strings.TrimSpace(s.String()) + "\n"
	}
	return &prompts{optioner: text("optioner.tmpl"), pricer: text("pricer.tmpl")}
}

// Parts of prompts that only this package writes.
const (
	briefPart  = "brief"
	scopePart  = "scope"
	stacksPart = "stacks"
	countPart  = "count"
	beforePart = "before" // the options of the set before
)

// material is what a task about a project is made from.
type material struct {
	project project.Project
	brief   document.Version
	scope   document.Version
}

// parts are the founder's idea and the papers made of it.
func (m material) parts() ([]tag.Part, error) {
	all := []tag.Part{{Name: tag.Founder, Source: "idea", Text: m.project.Idea}}
	for _, p := range []struct {
		name string
		v    document.Version
	}{{briefPart, m.brief}, {scopePart, m.scope}} {
		raw, err := json.Marshal(p.v.Content)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", p.name, err)
		}
		all = append(all, tag.Part{Name: p.name, Source: fmt.Sprintf("%s@%d", p.v.Kind, p.v.Number), Text: string(raw)})
	}
	return all, nil
}

// optionsPrompt asks for the ways to build of r; before is the set in force, whose
// options are shown when the founder said something about them.
func (m material) optionsPrompt(r row, here []Stack, before []Option) (string, error) {
	parts, err := m.parts()
	if err != nil {
		return "", err
	}
	if r.Feedback != "" {
		raw, err := json.Marshal(contents(before))
		if err != nil {
			return "", fmt.Errorf("write options: %w", err)
		}
		parts = append(parts, tag.Part{Name: beforePart, Source: "options", Text: string(raw)},
			tag.Part{Name: tag.Founder, Source: "feedback", Text: r.Feedback})
	}
	count, task := "1", "Propose the one way to build that you recommend."
	if r.Compare {
		count, task = fmt.Sprintf("%d %d", fewest, most), fmt.Sprintf("Propose %d or %d ways to build that really differ.", fewest, most)
	}
	var names []string
	for _, s := range here {
		names = append(names, string(s))
	}
	parts = append(parts, tag.Part{Name: stacksPart, Source: "here", Text: strings.Join(names, " ")},
		tag.Part{Name: countPart, Source: "options", Text: count})
	return written(parts, task+"\n"+m.project.InLanguage()), nil
}

// wishPrompt asks what a wish would take.
func (m material) wishPrompt(wish Wish) (string, error) {
	parts, err := m.parts()
	if err != nil {
		return "", err
	}
	return written(append(parts, tag.Part{Name: tag.Founder, Source: "wish:" + string(wish.ID), Text: wish.Text}),
		"Say what the wish is and what it takes.\n"+m.project.InLanguage()), nil
}

func written(parts []tag.Part, task string) string {
	var all []string
	for _, p := range parts {
		all = append(all, tag.Write(p))
	}
	return strings.Join(append(all, "<task>\n"+task+"\n</task>"), "\n\n")
}

func contents(all []Option) []Content {
	out := make([]Content, 0, len(all))
	for _, o := range all {
		out = append(out, o.Content)
	}
	return out
}
