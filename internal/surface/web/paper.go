package web

import (
	"net/http"
	"strconv"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"
)

// paper is what the address of a document names: brief, brief@2, brief@1..2, brief@2.pdf,
// all.md.
type paper struct {
	kind document.Kind // empty: all of them
	from int           // of a difference; 0: the one before
	// version is 0 for the one in force.
	version int
	format  format // empty: it is read here
	differs bool   // from and version are compared
}

// String is the name that parsePaper reads.
func (d paper) String() string {
	s := string(d.kind)
	if d.kind == "" {
		s = "all"
	}
	switch {
	case d.differs:
		s += "@" + strconv.Itoa(d.from) + ".." + strconv.Itoa(d.version)
	case d.version > 0:
		s += "@" + strconv.Itoa(d.version)
	}
	if d.format != "" {
		s += "." + string(d.format)
	}
	return s
}

func errNoPaper() error { return fault.New(fault.NotFound, "", "There is no such document.") }

// parsePaper reads a name. What is no name of a document is fault.NotFound.
func parsePaper(s string) (paper, error) {
	var d paper
	name, version, numbered := strings.Cut(s, "@")
	last := &name
	if numbered {
		last = &version
	}
	for _, f := range []format{asPDF, asMarkdown} {
		if rest, ok := strings.CutSuffix(*last, "."+string(f)); ok {
			*last, d.format = rest, f
		}
	}
	if name == "all" && !numbered && d.format != "" {
		return d, nil
	}
	kind, ok := document.ParseKind(name)
	if !ok {
		return paper{}, errNoPaper()
	}
	d.kind = kind
	if !numbered {
		return d, nil
	}
	from, to, differs := strings.Cut(version, "..")
	if !differs {
		to = from
	}
	if d.version, ok = number(to); !ok {
		return paper{}, errNoPaper()
	}
	if differs {
		if d.from, ok = number(from); !ok || d.format != "" {
			return paper{}, errNoPaper()
		}
		d.differs = true
	}
	return d, nil
}

// number reads the number of a version, as String writes it.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && strconv.Itoa(n) == s
}

// onPaper opens the document an address names.
func (s *Site) onPaper(h func(w http.ResponseWriter, r *http.Request, v visit, at desk) error) func(http.ResponseWriter, *http.Request, visit, project.Project) error {
	return func(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
		d, err := parsePaper(r.PathValue("document"))
		if err != nil {
			return err
		}
		if !reads(r) && (d.kind == "" || d.differs || d.format != "") {
			return errNoPaper()
		}
		return h(w, r, v, desk{p, d})
	}
}

// desk is a document of a project.
type desk struct {
	project project.Project
	paper   paper
}

// paper shows what the address names: a version, a difference or a file.
func (s *Site) paper(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	switch {
	case at.paper.format != "":
		return s.exportDocument(w, r, v, at)
	case at.paper.differs:
		return s.differencePage(w, r, v, at)
	}
	return s.readerPage(w, r, v, at)
}
