package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/document"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

// mostItems is the most items of one list that are read from a form.
const mostItems = 100

// editDocument puts what was typed in the place of a section. Who was second sees what
// the first one wrote, and chooses.
func (s *Site) editDocument(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	section := f.Get("section")
	shape, ok := at.paper.kind.Shape(section)
	base, numbered := number(f.Get("base"))
	if !ok || !numbered {
		return errNoPaper()
	}
	editor := view.Editor{Shape: shape, Value: readTyped(shape, section, f), Base: base}
	raw, err := json.Marshal(editor.Value)
	if err != nil {
		return fmt.Errorf("write what was typed: %w", err)
	}
	made, err := s.cfg.Documents.Edit(r.Context(), v.actor, at.project.ID, at.paper.kind, document.Edit{
		Place: document.Place{Section: section}, Value: raw, Base: base,
	})
	clash := (*document.ClashError)(nil)
	switch refused := fault.Of(err); {
	case err == nil:
		to := view.DocumentAddress(at.project, made.Kind, 0) + "#" + section
		if strings.HasPrefix(cameFrom(r), briefAddress(at.project)+"?") {
			to = view.SectionOnBrief(view.ProjectAddress(at.project), section)
		}
		return done(w, r, to, s.edited(at, made, base))
	case errors.As(err, &clash):
		return s.clashPage(w, r, v, at, clash, editor)
	case refused != nil && refused.Kind == fault.Invalid:
		editor.Form = misTyped(section, refused)
		return s.showReader(w, r, v, at, working{status: http.StatusUnprocessableEntity, editing: section, editor: &editor})
	}
	return err
}

// misTyped says what is wrong at the fields of a section, and above them what belongs to
// none of them.
func misTyped(section string, refused *fault.Error) view.Form {
	var f view.Form
	for _, field := range refused.Fields {
		if field.Name == section || strings.HasPrefix(field.Name, section+".") {
			f.Fields = append(f.Fields, field)
		} else {
			f.Problem = field.Detail
		}
	}
	if !f.Failed() {
		f.Problem = refused.Detail
	}
	return f
}

// edited tells of a new version, with Undo; or that there is none.
func (*Site) edited(at desk, made document.Version, base int) flash {
	if made.Number == base {
		return flash{what: documentSame}
	}
	return flash{what: documentEdited, project: at.project.ID, made: paper{kind: made.Kind, version: made.Number}}
}

// readTyped reads a value of a shape from the fields that view.Editor has named. Items of
// which nothing was filled in, or which are to be taken out, are left out.
func readTyped(shape document.Shape, name string, f url.Values) any {
	switch shape.Input {
	case document.OnePerLine:
		lines := []string{}
		for l := range strings.Lines(f.Get(name)) {
			if l = strings.TrimSpace(l); l != "" {
				lines = append(lines, l)
			}
		}
		return lines
	case document.Number:
		text := strings.ReplaceAll(strings.TrimSpace(f.Get(name)), ",", ".")
		if text == "" {
			return 0
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return f.Get(name) // the product says what is wrong with it
		}
		return n
	case document.Ticked:
		return f.Get(name) != ""
	case document.Parts:
		return readParts(shape, name, f)
	case document.Items:
		return readItems(shape, name, f)
	case document.Kept:
		if n, ok := number(f.Get(name)); ok {
			return n
		}
		return f.Get(name)
	case document.Words, document.OneLine, document.OneOf:
	}
	return strings.TrimSpace(strings.ReplaceAll(f.Get(name), "\r\n", "\n"))
}

func readParts(shape document.Shape, name string, f url.Values) map[string]any {
	all := map[string]any{}
	for _, of := range shape.Of {
		if of.Input == document.Kept && !f.Has(name+"."+of.Key) {
			continue
		}
		all[of.Key] = readTyped(of, name+"."+of.Key, f)
	}
	return all
}

func readItems(shape document.Shape, name string, f url.Values) []any {
	all := []any{}
	for n := range mostItems {
		at := name + "." + strconv.Itoa(n)
		if !f.Has(at + "." + firstTyped(shape)) {
			return all
		}
		item := readParts(shape, at, f)
		if f.Has(at+".out") || blank(shape, item) {
			continue
		}
		all = append(all, item)
	}
	return all
}

// firstTyped is a field that every item of a form has.
func firstTyped(shape document.Shape) string {
	for _, of := range shape.Of {
		if of.Input == document.OneLine || of.Input == document.Words {
			return of.Key
		}
	}
	return ""
}

// blank reports whether nobody typed anything into an item.
func blank(shape document.Shape, item map[string]any) bool {
	for _, of := range shape.Of {
		switch value := item[of.Key].(type) {
		case string:
			if value != "" && (of.Input == document.OneLine || of.Input == document.Words) {
				return false
			}
		case []string:
			if len(value) > 0 {
				return false
			}
		case []any:
			if len(value) > 0 {
				return false
			}
		}
	}
	return true
}

// clashPage shows the second of two editors what stands there now.
func (s *Site) clashPage(w http.ResponseWriter, r *http.Request, v visit, at desk, c *document.ClashError, editor view.Editor) error {
	editor.Base = c.Current.Number // sent again it replaces what is there: the founder has chosen
	p := view.Clash{
		Kind: at.paper.kind, Section: c.Place.Section, Current: c.Current, Parts: c.Parts, Editor: editor, Now: s.cfg.Clock.Now(),
	}
	p.Title = view.SectionTitle(c.Current, p.Section)
	var err error
	if p.Names, err = s.names(r.Context(), v.actor); err != nil {
		return err
	}
	sh, err := s.projectShell(w, r, v, at.project, "Somebody was faster")
	if err != nil {
		return err
	}
	sh.Here, sh.Crumbs = view.PlaceDocuments, append(sh.Crumbs, documentsCrumb(at.project), view.DocumentCrumb(at.project, p.Kind))
	return s.page(w, r, http.StatusConflict, secret, view.ClashPage(sh, p))
}

// restoreDocument brings an earlier version back as a new one.
func (s *Site) restoreDocument(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	version, numbered := number(f.Get("version"))
	base, based := number(f.Get("base"))
	if !numbered || !based {
		return errNoPaper()
	}
	made, err := s.cfg.Documents.Restore(r.Context(), v.actor, at.project.ID, at.paper.kind, version, base)
	if err != nil {
		return err
	}
	told := s.edited(at, made, base)
	if told.what == documentEdited {
		told.what = documentRestored
	}
	return done(w, r, view.DocumentAddress(at.project, made.Kind, 0), told)
}

// undoDocument takes the version the address names back, unless somebody has changed the
// document since.
func (s *Site) undoDocument(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	if at.paper.version < 2 { // the first one has nothing before it
		return errNoPaper()
	}
	made, err := s.cfg.Documents.Restore(r.Context(), v.actor, at.project.ID, at.paper.kind, at.paper.version-1, at.paper.version)
	if err != nil {
		return err
	}
	return done(w, r, view.DocumentAddress(at.project, made.Kind, 0), flash{what: documentUndone})
}

// proposalPage shows what a new writing would change of the founder's words.
func (s *Site) proposalPage(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	return s.showProposal(w, r, v, at, refusal{status: http.StatusOK})
}

func (s *Site) showProposal(w http.ResponseWriter, r *http.Request, v visit, at desk, re refusal) error {
	doc, err := s.cfg.Documents.Get(r.Context(), v.actor, at.project.ID, at.paper.kind)
	if err != nil {
		return err
	}
	if doc.Proposal == nil || doc.Current == nil {
		seeOther(w, r, view.DocumentAddress(at.project, at.paper.kind, 0))
		return nil
	}
	sh, err := s.projectShell(w, r, v, at.project, "Take the new words?")
	if err != nil {
		return err
	}
	sh.Here, sh.Crumbs = view.PlaceDocuments, append(sh.Crumbs, documentsCrumb(at.project), view.DocumentCrumb(at.project, doc.Kind))
	return s.page(w, r, re.status, secret, view.ProposalPage(sh, view.Choosing{
		Doc: doc, Changes: document.Compare(doc.Current.Content, doc.Proposal.Content), Form: re.form, Now: s.cfg.Clock.Now(),
		MayEdit: mayWork(v.actor, at.project),
	}))
}

func (s *Site) acceptProposal(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	f, proposal, err := proposalIn(r)
	if err != nil {
		return err
	}
	base, _ := number(f.Get("base")) // anything else is refused as not the one in force
	if len(f["section"]) == 0 {
		return s.showProposal(w, r, v, at, refusal{
			status: http.StatusUnprocessableEntity, form: view.Form{Problem: "Tick what you want to take, or leave all as it is."},
		})
	}
	made, err := s.cfg.Documents.Accept(r.Context(), v.actor, at.project.ID, at.paper.kind, document.Take{
		Proposal: proposal, Sections: f["section"], Base: base,
	})
	if err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showProposal(w, r, v, at, re)
	}
	told := s.edited(at, made, base)
	if told.what == documentEdited {
		told.what = proposalTaken
	}
	return done(w, r, view.DocumentAddress(at.project, made.Kind, 0), told)
}

func (s *Site) declineProposal(w http.ResponseWriter, r *http.Request, v visit, at desk) error {
	_, proposal, err := proposalIn(r)
	if err != nil {
		return err
	}
	if err := s.cfg.Documents.Decline(r.Context(), v.actor, at.project.ID, at.paper.kind, proposal); err != nil {
		return err
	}
	return done(w, r, view.DocumentAddress(at.project, at.paper.kind, 0), flash{what: proposalLeft})
}

func proposalIn(r *http.Request) (url.Values, document.ProposalID, error) {
	f, err := httpd.Form(r)
	if err != nil {
		return nil, "", err
	}
	proposal, err := id.Parse[document.ProposalID](f.Get("proposal"))
	if err != nil {
		return nil, "", errNoPaper()
	}
	return f, proposal, nil
}
