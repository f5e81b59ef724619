package web_test

import (
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/product/account"
	"cofounder/internal/product/document"
	"cofounder/internal/product/journey"

	"github.com/jackc/pgx/v5"
)

// asks opens a decision as a run does.
func (s *shelf) asks(t *testing.T, a journey.Ask) journey.Decision {
	t.Helper()
	d, err := s.journeys.Open(t.Context(), s.actor, s.project.ID, a)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// aDirection is the question whether to build, with our advice.
func aDirection() journey.Ask {
	return journey.Ask{Key: "direction", Kind: journey.Direction, Advice: &journey.Advice{
		Value: journey.Narrow, Reasons: []string{"Two of the three features wait for the first one."}, ChangesMind: "A second family that asks for all three.",
	}}
}

// deciding is a project with a page about its idea, and where its decisions are.
func (v visitor) deciding(t *testing.T) (s *shelf, at string) {
	t.Helper()
	s = v.shelf(t)
	s.writes(t, document.Draft{Content: pageBrief()})
	s.inTx(t, func(tx pgx.Tx) error {
		_, err := s.journeys.AdvanceTx(t.Context(), tx, s.actor, s.project.ID, journey.Brief, journey.Cause{Kind: journey.ByBrief, Object: "brief@1", Correlation: "test"})
		return err
	})
	return s, "/p/" + string(s.project.ID) + "/decisions"
}

// decisionPages visits decisions in the states that look different.
func decisionPages(t *testing.T, v, viewer visitor, pages map[string]answer) {
	t.Helper()
	s, at := v.deciding(t)
	pages["decisions, none"] = v.get(t, at)
	pages["asking a question"] = v.get(t, at+"?ask=1")
	pages["question refused"] = v.post(t, at, form("question", "", "options", "a\nb"))
	d := s.asks(t, aDirection())
	words := s.asks(t, journey.Ask{Key: "words", Kind: journey.Question, Question: "What is it called?"})
	pages["decisions, open"] = v.get(t, at)
	pages["a direction"] = v.get(t, at+"/"+string(d.ID))
	pages["a direction, seen by a viewer"] = viewer.get(t, at+"/"+string(d.ID))
	pages["an answer in words"] = v.get(t, at+"/"+string(words.ID))
	pages["a direction without words"] = v.post(t, at+"/"+string(d.ID), form("key", "k", "choice", "narrow", "words", ""))
	v.post(t, at+"/"+string(d.ID), form("key", "k", "choice", "proceed", "because", "Now or never.")).want(http.StatusSeeOther)
	pages["decisions, taken"] = v.get(t, at)
	pages["a direction, taken"] = v.get(t, at+"/"+string(d.ID))
}

func TestDeciding(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	vic := v.joins(t, "Vic", account.InvitationDraft{Role: account.Viewer})
	s, at := v.deciding(t)
	d := s.asks(t, aDirection())
	page := at + "/" + string(d.ID)
	v.get(t, at).says("Waiting for you", "Build this?", "asked by you")
	a := v.get(t, page).says("Build this?", "I’d suggest: Make it smaller", "Two of the three", "What would change my mind: A second family", "What happens next", "I write the page again around what you keep")
	primary := all(find(a.page, "main"), func(n *htmlNode) bool { return n.Data == "button" && strings.Contains(attr(n, "class"), "primary") })
	if len(primary) != 1 || words(primary[0]) != "Make it smaller" {
		t.Errorf("%d primary buttons, want the one that is advised, named after its choice", len(primary))
	}
	for n, want := range []string{"Build this", "Make it smaller", "Change direction", "Not now"} {
		hot := all(a.page, func(e *htmlNode) bool { return attr(e, "data-hot") == string(rune('1'+n)) })
		if len(hot) != 1 || words(hot[0]) != want {
			t.Errorf("key %d marks %d buttons, want %q", n+1, len(hot), want)
		}
	}
	vic.get(t, page).says("deciding is for those").hushes("Say why")
	vic.post(t, page, form("key", "v", "choice", "proceed")).want(http.StatusForbidden)

	refused := v.post(t, page, form("key", "k", "choice", "narrow", "words", "", "because", "It is too much.")).want(http.StatusUnprocessableEntity)
	refused.says("Say what to keep", "It is too much.")
	taken := v.follow(t, v.post(t, page, form("key", "k", "choice", "proceed", "because", "Now or never."))).
		says("Decided", "Build this", "by you", "otherwise than I suggested", "Now or never.", "The project went from Brief to Direction.", "What else there was", "Make it smaller")
	if n := len(all(find(taken.page, "main"), tag("form"))); n != 0 {
		t.Errorf("a decision that is taken has %d forms: it is taken once", n)
	}
	v.post(t, page, form("key", "other", "choice", "park")).want(http.StatusConflict).says("This was decided on")
	v.get(t, at).says("Decided", "Now or never.").hushes("Waiting for you")
	for _, address := range []string{"/dec_x", "/nothing"} {
		v.get(t, at+address).want(http.StatusNotFound)
	}
	other, _ := v.deciding(t)
	v.get(t, "/p/"+string(other.project.ID)+"/decisions/"+string(d.ID)).want(http.StatusNotFound)
}

// A question of one's own is written down, with choices or without, and decided.
func TestAQuestionOfOnesOwn(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	_, at := v.deciding(t)
	v.get(t, at).says("Nothing is decided yet", "Write down a question")
	v.post(t, at, form("question", "", "options", "Monthly")).want(http.StatusUnprocessableEntity).says("Monthly")
	a := v.follow(t, v.post(t, at, form("question", "How do families pay?", "options", "Monthly\r\n\r\nPer walk\r\n"))).
		says("Written down", "How do families pay?", "Monthly", "Per walk").hushes("I’d suggest")
	page := strings.TrimPrefix(a.request, "GET ")
	v.follow(t, v.post(t, page, form("key", "k", "choice", "Per walk"))).says("Per walk", "No reason was given.", "It is kept; nothing was started by it.")
	a = v.follow(t, v.post(t, at, form("question", "What is it called?", "options", "")))
	page = strings.TrimPrefix(a.request, "GET ")
	v.post(t, page, form("key", "k2", "choice", "")).want(http.StatusUnprocessableEntity)
	v.follow(t, v.post(t, page, form("key", "k2", "choice", "Pawbook"))).says("Pawbook", "by you")
	v.get(t, at).says("How do families pay?", "Per walk", "What is it called?", "Pawbook")
}
