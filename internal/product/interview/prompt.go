package interview

import (
	"embed"
	"fmt"
	"strings"
	"text/template"

	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/product/journey"
)

//go:embed prompt/*.tmpl
var promptFiles embed.FS

// prompts are the fixed texts of the tasks. System texts are the stable beginning of a
// request; what belongs to a project stands in the turn of the user, the founder's words
// first and the task last.
type prompts struct {
	reader, interviewer, checker, writer, scoper, file, author string

	files *template.Template
}

// newPrompts panics on a text that cannot be written: that is a mistake in a file.
func newPrompts() *prompts {
	p := &prompts{files: template.Must(template.ParseFS(promptFiles, "prompt/*.tmpl"))}
	p.reader, p.interviewer, p.checker = p.text("reader.tmpl"), p.text("interviewer.tmpl"), p.text("checker.tmpl")
	p.writer, p.scoper, p.file, p.author = p.text("writer.tmpl"), p.text("scoper.tmpl"), p.text("file.tmpl"), p.text("author.tmpl")
	return p
}

func (p *prompts) text(name string) string {
	var s strings.Builder
	if err := p.files.ExecuteTemplate(&s, name, nil); err != nil {
		panic("interview: " + err.Error())
	}
	return strings.TrimSpace(s.String()) + "\n"
}

// Parts of prompts that only this package writes.
const (
	countPart   = "count"   // how many questions: least and most
	openPart    = "open"    // a question that is not answered; its source is its id
	sectionPart = "section" // which section is to be written
	draftPart   = "written" // a section that is finished
	editedPart  = "edited"  // a section of a document in the founder's words
	clashPart   = "contradiction"
)

// prompt is the turn of the user: what the founder said, more parts, the task.
func (p *prompts) prompt(w *work, task string, more ...tag.Part) string {
	var all []string
	for _, part := range append(founder(w), more...) {
		all = append(all, tag.Write(part))
	}
	return strings.Join(append(all, "<task>\n"+task+"\n"+w.project.InLanguage()+"\n</task>"), "\n\n")
}

// founder returns the parts of what was said. A new direction stands before the idea it
// replaces.
func founder(w *work) []tag.Part {
	idea := tag.Part{Name: tag.Founder, Source: "idea", Text: w.project.Idea}
	all := []tag.Part{idea}
	if w.order.Words != "" {
		word := tag.Part{Name: tag.Founder, Source: "decision:" + w.order.Choice, Text: w.order.Words}
		if w.order.Choice == journey.Pivot {
			all = []tag.Part{word, idea}
		} else {
			all = []tag.Part{idea, word}
		}
	}
	for _, f := range w.files {
		if f.text != "" {
			all = append(all, tag.Part{Name: tag.Founder, Source: "file:" + string(f.ID), Text: f.text})
		}
	}
	if len(w.fixed.Corrections) > 0 {
		all = append(all, tag.Part{Name: tag.Corrections, Source: "chips", Text: w.fixed.text()})
	}
	for _, q := range w.asked {
		if q.Answer == nil {
			continue
		}
		all = append(all, tag.Part{Name: tag.Question, Source: "question:" + string(q.ID), Text: q.Text})
		answer := tag.Part{Name: tag.Founder, Source: "answer:" + string(q.ID), Text: q.Answer.Text}
		if q.Answer.Ours {
			answer.Name = tag.YouDecide
			answer.Text = q.Assumes
		}
		all = append(all, answer)
	}
	return all
}

func count(d Depth) tag.Part {
	least, most := d.Count()
	return tag.Part{Name: countPart, Source: "questions", Text: fmt.Sprintf("%d %d", least, most)}
}

func countTask(d Depth) string {
	least, most := d.Count()
	if least == most {
		return fmt.Sprintf("Ask the %d questions whose answers would change the first version most.", most)
	}
	return fmt.Sprintf("Ask %d to %d more questions. Fewer, with nothing_more set, where any further question would not change the product.", least, most)
}

// open returns the questions that wait for an answer.
func open(all []Question) []tag.Part {
	var parts []tag.Part
	for _, q := range all {
		if q.Answer == nil {
			parts = append(parts, tag.Part{Name: openPart, Source: string(q.ID), Text: q.Text})
		}
	}
	return parts
}

// page is the prompt for a section, behind the ones that are written.
func (p *prompts) page(w *work, section string, kept []storedSection) string {
	var more []tag.Part
	for _, c := range w.clashes {
		text := fmt.Sprintf("%s\nfirst, %s: %s\nsecond, %s: %s\nthe founder says: %s %s", c.Clash, c.First, c.FirstQuote, c.Second, c.SecondQuote, orOpen(c.Choice), c.Because)
		more = append(more, tag.Part{Name: clashPart, Source: string(c.ID), Text: strings.TrimSpace(text)})
	}
	for _, k := range kept {
		more = append(more, tag.Part{Name: draftPart, Source: k.Section, Text: string(k.Answer)})
	}
	more = append(more, tag.Part{Name: sectionPart, Source: section, Text: section})
	return p.prompt(w, strings.TrimSpace(p.text(section)), more...)
}

func orOpen(c Choice) string {
	if c == "" {
		return "nothing yet"
	}
	return string(c)
}
