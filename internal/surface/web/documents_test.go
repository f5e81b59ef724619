package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cofounder/internal/platform/db"
	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/html"
)

// shelf is a project with documents, and its owner.
type shelf struct {
	visitor
	project project.Project
	at      string // /p/{project}/documents
}

func (v visitor) shelf(t *testing.T) *shelf {
	t.Helper()
	p := v.project(t, dogs)
	return &shelf{v, p, "/p/" + string(p.ID) + "/documents"}
}

// writes stores what a run has written.
func (s *shelf) writes(t *testing.T, draft document.Draft) {
	t.Helper()
	s.inTx(t, func(tx pgx.Tx) error {
		_, err := s.documents.FinishTx(t.Context(), tx, s.actor, s.project.ID, draft)
		return err
	})
}

func (s *shelf) inTx(t *testing.T, do func(tx pgx.Tx) error) {
	t.Helper()
	if err := db.InTx(t.Context(), s.db, do); err != nil {
		t.Fatal(err)
	}
	s.projects.Wake(s.project.ID)
}

// fails says that a run could not write a document.
func (s *shelf) fails(t *testing.T, k document.Kind, reason string) {
	t.Helper()
	s.inTx(t, func(tx pgx.Tx) error {
		return s.documents.FailTx(t.Context(), tx, s.actor, s.project.ID, document.Failure{Kind: k, Reason: reason})
	})
}

// edits puts the founder's words into a section by another window.
func (s *shelf) edits(t *testing.T, k document.Kind, section string, value any, base int) {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	e := document.Edit{Place: document.Place{Section: section}, Value: raw, Base: base}
	if _, err := s.documents.Edit(t.Context(), s.actor, s.project.ID, k, e); err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) current(t *testing.T, k document.Kind) document.Version {
	t.Helper()
	doc, err := s.documents.Get(t.Context(), s.actor, s.project.ID, k)
	if err != nil || doc.Current == nil {
		t.Fatalf("%s: %+v, %v", k, doc, err)
	}
	return *doc.Current
}

// problem is what the brief in force says there.
func (s *shelf) problem(t *testing.T) string {
	t.Helper()
	b, ok := s.current(t, document.BriefKind).Content.(document.Brief)
	if !ok {
		t.Fatal("the brief is none")
	}
	return b.Problem
}

func pageBrief() document.Brief {
	return document.Brief{
		Problem: "Families call while she walks eleven dogs.", TargetUser: "One dog walker.", Value: "Nobody calls any more.",
		HowItWorks: "Families pick a free slot.", Constraints: []string{"It works on a phone."},
		Assumptions: []document.Assumption{{Text: "She walks alone."}}, Risks: []string{"Families may prefer to call."},
	}
}

// sample reads the content of a kind with every field filled.
func sample(t *testing.T, k document.Kind) document.Content {
	t.Helper()
	raw, err := os.ReadFile("../../product/document/testdata/" + string(k) + ".json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := document.Decode(k, raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// documentPages visits the documents in the states that look different.
func documentPages(t *testing.T, v, viewer visitor, pages map[string]answer) {
	t.Helper()
	s := v.shelf(t)
	pages["documents, none"] = v.get(t, s.at)
	s.writes(t, document.Draft{Content: pageBrief(), Confidence: map[string]document.Confidence{
		"problem": {Level: document.Strong, Reason: "You told two cases."}, "value": {Level: document.NeedsDepth, Reason: "Nobody was asked."},
		"target_user": {Level: document.Moderate, Reason: "It is reasonable."},
	}})
	for _, k := range document.Kinds()[1:] {
		if k != document.MilestonesKind && k != document.HandbookKind {
			s.writes(t, document.Draft{Content: sample(t, k)})
		}
	}
	pages["documents"] = v.get(t, s.at)
	pages["documents, seen by a viewer"] = viewer.get(t, s.at)
	s.edits(t, document.BriefKind, "problem", "Nobody answers <script>alert(1)</script> [x](javascript:alert(1)).", 1)
	pages["document"] = v.get(t, s.at+"/brief")
	pages["document, seen by a viewer"] = viewer.get(t, s.at+"/brief")
	pages["document, earlier"] = v.get(t, s.at+"/brief@1")
	pages["what changed"] = v.get(t, s.at+"/brief@1..2")
	pages["nothing changed"] = v.get(t, s.at+"/brief@2..2")
	pages["comment"] = v.get(t, s.at+"/brief@2?comment=problem")
	pages["comment refused"] = v.post(t, s.at+"/brief@2/comments", form("section", "problem", "text", ""))
	v.post(t, s.at+"/brief@2/comments", form("section", "problem", "text", "Is it eleven?")).want(http.StatusSeeOther)
	v.post(t, s.at+"/brief@2/comments", form("section", "", "text", "All good.")).want(http.StatusSeeOther)
	pages["commented"] = v.get(t, s.at+"/brief?comment=whole")
	pages["somebody was faster"] = v.post(t, s.at+"/brief/edit", form("section", "problem", "base", "1", "problem", "Mine."))
	for _, k := range []document.Kind{document.ScopeKind, document.RisksKind, document.HowItWorksKind, document.ArchitectureKind} {
		pages["document "+string(k)] = v.get(t, s.at+"/"+string(k))
		for _, sec := range s.current(t, k).Outline() {
			pages["editing "+string(k)+" "+sec.Key] = v.get(t, s.at+"/"+string(k)+"?edit="+sec.Key)
		}
	}
	pages["edit refused"] = v.post(t, s.at+"/scope/edit", form("section", "features", "base", "1", "features.0.id", "f1", "features.0.name", "", "features.0.description", "x", "features.0.priority", "must"))
	other := pageBrief()
	other.Problem, other.Value = "Something else.", "Something better."
	s.writes(t, document.Draft{Content: other})
	pages["a proposal"] = v.get(t, s.at+"/brief/proposal")
	pages["document with a proposal"] = v.get(t, s.at+"/brief")
	pages["proposal, nothing ticked"] = v.post(t, s.at+"/brief/accept", form("proposal", hidden(t, pages["a proposal"], "proposal"), "base", "2"))
	v.post(t, s.at, form("kind", "risks", "kind", "milestones")).want(http.StatusSeeOther)
	pages["documents, writing"] = v.get(t, s.at)
	pages["document, written again"] = v.get(t, s.at+"/risks")
	s.fails(t, document.RisksKind, "The AI did not answer. Nothing you wrote is lost. (Reference run_1)")
	s.fails(t, document.MilestonesKind, "The AI did not answer. Nothing you wrote is lost. (Reference run_1)")
	pages["documents, failed"] = v.get(t, s.at)
	pages["document, failed"] = v.get(t, s.at+"/risks")
}

// hidden is the value of a hidden field.
func hidden(t *testing.T, a answer, name string) string {
	t.Helper()
	if a.page != nil {
		for _, n := range all(find(a.page, "main"), tag("input")) {
			if attr(n, "name") == name {
				return attr(n, "value")
			}
		}
	}
	t.Fatalf("%s: no field %s in\n%s", a.request, name, a.text())
	return ""
}

// filled is the form of the editor as a browser sends it when nobody touched it.
func filled(t *testing.T, a answer) url.Values {
	t.Helper()
	var editor *html.Node
	for _, n := range all(a.page, tag("form")) {
		if strings.HasSuffix(attr(n, "action"), "/edit") {
			editor = n
		}
	}
	if editor == nil {
		t.Fatalf("%s: no editor in\n%s", a.request, a.text())
	}
	f := url.Values{}
	for _, n := range all(editor, tag("input", "textarea", "select")) {
		name := attr(n, "name")
		switch {
		case n.Data == "textarea":
			f.Add(name, strings.ReplaceAll(strings.TrimPrefix(raw(n), "\n"), "\n", "\r\n"))
		case n.Data == "select":
			chosen := ""
			for _, o := range all(n, tag("option")) {
				if _, yes := attribute(o, "selected"); yes || chosen == "" {
					chosen = attr(o, "value")
				}
			}
			f.Add(name, chosen)
		case attr(n, "type") == "checkbox":
			if _, yes := attribute(n, "checked"); yes {
				f.Add(name, attr(n, "value"))
			}
		default:
			f.Add(name, attr(n, "value"))
		}
	}
	return f
}

// raw is the text of an element as it is.
func raw(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

// Each section of each kind can be edited without script: what is there is in the
// fields, and sent back untouched it makes no version.
func TestEverySectionIsTypedAsItIs(t *testing.T) {
	t.Parallel()
	s := newWorld(t).owner(t).shelf(t)
	for _, k := range document.Kinds() {
		s.writes(t, document.Draft{Content: sample(t, k), Said: "2 3"})
	}
	for _, k := range document.Kinds() {
		before := s.current(t, k)
		for _, sec := range before.Outline() {
			f := filled(t, s.get(t, s.at+"/"+string(k)+"?edit="+sec.Key))
			s.follow(t, s.post(t, s.at+"/"+string(k)+"/edit", f)).says("It says the same as before")
			if after := s.current(t, k); after.Number != before.Number {
				t.Errorf("%s.%s: sent back as it was it made version %d", k, sec.Key, after.Number)
			}
		}
	}
}

func TestEditingInPlace(t *testing.T) {
	t.Parallel()
	s := newWorld(t).owner(t).shelf(t)
	s.writes(t, document.Draft{Content: pageBrief()})
	s.writes(t, document.Draft{Content: sample(t, document.ScopeKind)})

	a := s.post(t, s.at+"/brief/edit", form("section", "problem", "base", "1", "problem", "  Callers hang up.\r\nThey go elsewhere. "))
	page := s.follow(t, a.leads(s.at+"/brief#problem")).says("Saved as a new version", "Callers hang up.", "They go elsewhere.", "Your words", "edited by you")
	if got := s.problem(t); got != "Callers hang up.\nThey go elsewhere." {
		t.Errorf("it says %q", got)
	}
	s.follow(t, s.post(t, undoOf(page), nil)).says("Taken back", "Families call while she walks eleven dogs.", "version 1 brought back by you")
	if n := s.current(t, document.BriefKind).Number; n != 3 {
		t.Errorf("undo made version %d, want 3: nothing is taken away", n)
	}

	f := filled(t, s.get(t, s.at+"/scope?edit=features"))
	f.Set("features.0.criteria.1.out", "yes")
	f.Set("features.1.criteria.1.text", "A reminder names the dog.")
	f.Set("features.1.criteria.1.must", "yes")
	f.Set("features.3.name", "Walks")
	f.Set("features.3.description", "She walks them.")
	f.Set("features.3.priority", "later")
	f.Set("features.2.out", "yes")
	s.post(t, s.at+"/scope/edit", f).want(http.StatusSeeOther)
	got, ok := s.current(t, document.ScopeKind).Content.(document.Scope)
	if !ok {
		t.Fatal("the scope is none")
	}
	var lines []string
	for _, feature := range got.Features {
		lines = append(lines, feature.ID+" "+feature.Name+" "+string(feature.Priority))
		for _, c := range feature.Criteria {
			lines = append(lines, "- "+c.ID+" "+c.Text+" "+strconv.FormatBool(c.Must))
		}
	}
	want := strings.Join([]string{
		"f1 Booking must", "- c1 An owner sees the free hours of a day. true",
		"f2 Reminders should", "- c3 A reminder is written the day before. false", "- c4 A reminder names the dog. true",
		"f4 Walks later",
	}, "\n")
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("features are\n%s\nwant\n%s", got, want)
	}
}

// What is refused comes back with what was typed, and says what is wrong at its field.
func TestARefusedEditKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newWorld(t).owner(t).shelf(t)
	s.writes(t, document.Draft{Content: sample(t, document.MilestonesKind)})
	f := filled(t, s.get(t, s.at+"/milestones?edit=milestones"))
	f.Set("milestones.0.title", strings.Repeat("long ", 100))
	f.Set("milestones.1.description", "What I typed.")
	a := s.post(t, s.at+"/milestones/edit", f).want(http.StatusUnprocessableEntity)
	if again := filled(t, a); again.Get("milestones.1.description") != "What I typed." || again.Get("milestones.0.title") == "" {
		t.Errorf("typed text is gone: %v", again)
	}
	wrong := byID(a.page, "edit.milestones.0.title")
	if wrong == nil || attr(wrong, "aria-invalid") != "true" {
		t.Error("the field does not say that it is wrong")
	}
	f.Set("milestones.0.title", "Short")
	f.Set("milestones.0.founder_weeks", "many")
	s.post(t, s.at+"/milestones/edit", f).want(http.StatusUnprocessableEntity).says("not of the right kind")
	if n := s.current(t, document.MilestonesKind).Number; n != 1 {
		t.Errorf("it made version %d", n)
	}
}

// Two people edit one section: the second sees the difference and chooses.
func TestTheSecondEditorChooses(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	ines := v.joins(t, "Ines", account.InvitationDraft{Role: account.Member})
	s := v.shelf(t)
	s.writes(t, document.Draft{Content: pageBrief()})
	mine := filled(t, s.get(t, s.at+"/brief?edit=problem"))
	ines.post(t, s.at+"/brief/edit", form("section", "problem", "base", "1", "problem", "Families write letters.")).want(http.StatusSeeOther)
	mine.Set("problem", "Families send birds.")
	a := s.post(t, s.at+"/brief/edit", mine).want(http.StatusConflict).
		says("Somebody was faster", "Ines changed", "added: send birds", "taken away: write letters", "Keep what is there")
	if got := s.problem(t); got != "Families write letters." {
		t.Errorf("it says %q", got)
	}
	s.post(t, s.at+"/brief/edit", filled(t, a)).want(http.StatusSeeOther)
	s.get(t, s.at+"/brief").says("Families send birds.", "edited by you")
	s.get(t, s.at+"/brief@2").says("Families write letters.", "edited by Ines")
	ines.post(t, s.at+"/brief/edit", form("section", "value", "base", "1", "value", "Quiet.")).want(http.StatusSeeOther) // another place
}

func TestReadingAndComparing(t *testing.T) {
	t.Parallel()
	s := newWorld(t).owner(t).shelf(t)
	s.get(t, s.at+"/brief").leads(s.at)
	s.writes(t, document.Draft{Content: pageBrief()})
	s.edits(t, document.BriefKind, "problem", "Families call while she walks twelve dogs.", 1)
	s.edits(t, document.BriefKind, "value", "She walks on.", 2)
	s.get(t, s.at+"/brief").says("Version 3", "She walks on.", "Changed")
	s.get(t, s.at+"/brief@1").says("This is Version 1; in force is Version 3", "Bring version 1 back", "eleven").hushes("Edit")
	s.get(t, s.at+"/brief@1..3").says("added: twelve", "taken away: eleven", "added: She walks on", "The problem").hushes("How it works")
	s.get(t, s.at+"/brief@3..3").says("Both say the same.")
	page := s.follow(t, s.post(t, s.at+"/brief/restore", form("version", "1", "base", "3"))).says("Brought back as a new version", "Version 4", "eleven")
	s.follow(t, s.post(t, undoOf(page), nil)).says("Version 5", "twelve", "She walks on.")
	s.post(t, s.at+"/brief/restore", form("version", "1", "base", "3")).want(http.StatusConflict).says("That does not fit any more")
	for _, address := range []string{"/brief@9", "/brief@0", "/brief@01", "/brief@x", "/brief@1..9", "/nothing", "/brief@1..2.pdf", "/all", "/brief?edit=nothing", "/milestones@1"} {
		s.get(t, s.at+address).want(http.StatusNotFound)
	}
}

// What models and founders write is text: nothing of it becomes markup.
func TestWordsNeverBecomeMarkup(t *testing.T) {
	t.Parallel()
	s := newWorld(t).owner(t).shelf(t)
	hostile := `<img src=x onerror=alert(1)> [press](javascript:alert(1)) "><script>alert(2)</script> # &amp; **b**`
	b := pageBrief()
	b.Problem, b.Constraints = hostile, []string{hostile}
	s.writes(t, document.Draft{Content: b, Said: "1 2"})
	s.edits(t, document.BriefKind, "value", hostile, 1)
	s.post(t, s.at+"/brief@2/comments", form("section", "value", "text", hostile)).want(http.StatusSeeOther)
	for _, address := range []string{"/brief", "/brief?edit=problem", "/brief@1..2"} {
		a := s.get(t, s.at+address).want(http.StatusOK)
		for _, n := range all(find(a.page, "main"), tag("img", "script", "a")) {
			if to := attr(n, "href"); n.Data != "a" || !strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "#") {
				t.Errorf("%s: <%s href=%q> came out of text", address, n.Data, to)
			}
		}
	}
	if got := raw(byID(s.get(t, s.at+"/brief?edit=problem").page, "edit.problem")); strings.TrimPrefix(got, "\n") != hostile {
		t.Errorf("in the editor it is %q", got)
	}
}

func TestProposals(t *testing.T) {
	t.Parallel()
	s := newWorld(t).owner(t).shelf(t)
	s.writes(t, document.Draft{Content: pageBrief()})
	s.edits(t, document.BriefKind, "problem", "My own words.", 1)
	again := pageBrief()
	again.Problem, again.Value = "Better words.", "More value."
	s.writes(t, document.Draft{Content: again})
	s.get(t, s.at).says("Waits for you")
	a := s.get(t, s.at+"/brief/proposal").says("Take the new words?", "Better", "More value", "Your words")
	for _, n := range all(a.page, tag("input")) {
		if attr(n, "name") != "section" {
			continue
		}
		if _, ticked := attribute(n, "checked"); ticked == (attr(n, "value") == "problem") {
			t.Errorf("%s is ticked: %v; the founder's words are never taken unasked", attr(n, "value"), ticked)
		}
	}
	proposal := hidden(t, a, "proposal")
	s.post(t, s.at+"/brief/accept", form("proposal", proposal, "base", "2")).want(http.StatusUnprocessableEntity).says("Tick what you want to take")
	s.follow(t, s.post(t, s.at+"/brief/accept", form("proposal", proposal, "base", "2", "section", "value"))).
		says("Taken over as a new version", "More value.", "My own words.")
	s.post(t, s.at+"/brief/accept", form("proposal", proposal, "base", "3", "section", "value")).want(http.StatusNotFound)
	s.writes(t, document.Draft{Content: again})
	proposal = hidden(t, s.get(t, s.at+"/brief/proposal"), "proposal")
	s.follow(t, s.post(t, s.at+"/brief/decline", form("proposal", proposal))).says("Left as it was", "My own words.")
	s.get(t, s.at+"/brief/proposal").leads(s.at + "/brief")
}

func TestComments(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	vic := v.joins(t, "Vic", account.InvitationDraft{Role: account.Viewer})
	s := v.shelf(t)
	s.writes(t, document.Draft{Content: pageBrief()})
	vic.get(t, s.at+"/brief").says("Comment").hushes("Edit")
	vic.follow(t, vic.post(t, s.at+"/brief@1/comments", form("section", "problem", "text", "Is it eleven?"))).says("Comment kept", "Is it eleven?")
	vic.post(t, s.at+"/brief/edit", form("section", "problem", "base", "1", "problem", "Mine.")).want(http.StatusForbidden)
	a := s.get(t, s.at+"/brief").says("Vic", "1 open")
	settle := regexp.MustCompile(`/brief@1/comments/cmt_[0-9a-z]+/settle`).FindString(a.body)
	vic.post(t, s.at+settle, nil).want(http.StatusForbidden)
	s.follow(t, s.post(t, s.at+settle, nil)).says("1 settled", "None is open")
	s.post(t, s.at+"/brief@1/comments/cmt_x/settle", nil).want(http.StatusNotFound)
	s.post(t, s.at+"/brief@1/comments", form("section", "nothing", "text", "x")).want(http.StatusUnprocessableEntity)
}

func TestExports(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	s := v.shelf(t)
	s.get(t, s.at+"/all.pdf").want(http.StatusNotFound)
	s.writes(t, document.Draft{Content: pageBrief()})
	s.edits(t, document.BriefKind, "problem", "My own words.", 1)
	s.writes(t, document.Draft{Content: sample(t, document.RisksKind)})
	for address, want := range map[string]struct{ media, holds, not string }{
		"/brief.md":   {"text/markdown; charset=utf-8", "My own words.", "eleven dogs"},
		"/brief@1.md": {"text/markdown; charset=utf-8", "eleven dogs", "My own words."},
		"/all.md":     {"text/markdown; charset=utf-8", "Two owners, one hour", "eleven dogs"},
		"/brief.pdf":  {"application/pdf", "%PDF-1.", "\x00\x00\x00\x00\x00\x00\x00\x00%PDF"},
		"/all.pdf":    {"application/pdf", "%PDF-1.", "\x00\x00\x00\x00\x00\x00\x00\x00%PDF"},
	} {
		a := s.get(t, s.at+address).want(http.StatusOK)
		if got := a.header.Get("Content-Type"); got != want.media {
			t.Errorf("%s: is %s", address, got)
		}
		if !strings.HasPrefix(a.header.Get("Content-Disposition"), `attachment; filename="`) {
			t.Errorf("%s: %s", address, a.header.Get("Content-Disposition"))
		}
		if !strings.Contains(a.body, want.holds) || strings.Contains(a.body, want.not) {
			t.Errorf("%s: holds not what it should: %.200s", address, a.body)
		}
	}
	if _, err := s.projects.Delete(t.Context(), s.actor, s.project.ID); err != nil {
		t.Fatal(err)
	}
	s.get(t, s.at+"/all.md").want(http.StatusOK) // in every state
	s.get(t, s.at).want(http.StatusOK).hushes("Write")
}

// Asking for documents starts their writing; nothing is asked for twice.
func TestAskingForDocuments(t *testing.T) {
	t.Parallel()
	s := newWorld(t).owner(t).shelf(t)
	s.get(t, s.at).says("The page about your idea comes first").hushes("Write it")
	s.post(t, s.at, form("kind", "risks")).want(http.StatusConflict).says("Answer the questions first")
	s.writes(t, document.Draft{Content: pageBrief()})
	s.get(t, s.at).says("Write the other 5", "Write it")
	s.follow(t, s.post(t, s.at, form("kind", "risks", "kind", "milestones"))).says("Asked for", "I begin in a moment.", "Waiting")
	s.post(t, s.at, form("kind", "risks")).want(http.StatusConflict).says("I am writing this already")
	s.fails(t, document.RisksKind, "The AI did not answer.")
	s.get(t, s.at).says("Could not be written", "The AI did not answer.", "Write it again")
	s.follow(t, s.post(t, s.at, form("kind", "risks"))).hushes("The AI did not answer.")
	if _, err := s.projects.Park(t.Context(), s.actor, s.project.ID, ""); err != nil {
		t.Fatal(err)
	}
	s.get(t, s.at).hushes("Write it")
}
