package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cofounder/internal/base/id"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/product/document"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/html"
)

// bench is a project with a page and ways to build it.
type bench struct {
	*shelf
	address string // of the ways to build
	ways    []option.ID
}

// bench makes a project with a page and as many ways to build it.
func (v visitor) bench(t *testing.T, ways int) *bench {
	t.Helper()
	b := &bench{shelf: v.shelf(t)}
	b.address = "/p/" + string(b.project.ID) + "/options"
	b.writes(t, document.Draft{Content: document.Brief{Problem: "Calls.", Value: "Quiet."}})
	b.writes(t, document.Draft{Content: document.Scope{Features: []document.Feature{{
		Name: "Bookings", Priority: document.Must, Criteria: []document.Criterion{{Text: "An owner books a free hour.", Must: true}, {Text: "A mail says so."}},
	}}}})
	b.inTx(t, func(tx pgx.Tx) error {
		_, err := b.journeys.AdvanceTx(t.Context(), tx, b.actor, b.project.ID, journey.Brief, journey.Cause{Kind: journey.ByBrief, Object: "brief@1", Correlation: "run_1"})
		return err
	})
	ids := id.NewSource(b.clock.Now)
	set := id.Mint[option.SetID](ids)
	b.exec(t, `INSERT INTO option_set (id, project_id, number, compare, brief, scope, state, run, asked_at, changed_at)
VALUES ($1, $2, 1, $3, 1, 1, 'written', 'run_1', $4, $4)`, set, b.project.ID, ways > 1, b.clock.Now())
	for n := range ways {
		one := id.Mint[option.ID](ids)
		b.exec(t, `INSERT INTO build_option (id, project_id, set_id, place, recommended, content)
VALUES ($1, $2, $3, $4, $4 = 0, jsonb_build_object('name', 'Way ' || ($4 + 1), 'what_you_get', jsonb_build_array('Bookings', 'Extra ' || ($4 + 1)),
    'what_is_left_out', '["<b>A shop</b>"]'::jsonb, 'what_could_go_wrong', '["Two book at once"]'::jsonb, 'because', 'It is plain.', 'risk_level', 'low',
    'technical', '{"approach": "One program.", "stack": "go", "trade_offs": ["Few parts"]}'::jsonb, 'covers', '["c1", "c2"]'::jsonb))`,
			one, b.project.ID, set, n)
		b.ways = append(b.ways, one)
	}
	return b
}

func (b *bench) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := b.db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// preset are the fields a form of a page sends without being asked.
func preset(t *testing.T, a answer, action string) url.Values {
	t.Helper()
	forms := all(a.page, func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == action })
	if len(forms) != 1 {
		t.Fatalf("%d forms post to %s", len(forms), action)
	}
	f := url.Values{}
	for _, n := range all(forms[0], func(n *html.Node) bool { return n.Data == "input" }) {
		_, checked := attribute(n, "checked")
		if attr(n, "type") == "hidden" || attr(n, "type") == "radio" && checked {
			f.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	return f
}

// waysPages are the pages with ways to build, in the states that look different.
func waysPages(t *testing.T, v visitor, pages map[string]answer) {
	t.Helper()
	one, two := v.bench(t, 1), v.bench(t, 2)
	at := func(p project.Project) string { return "/p/" + string(p.ID) }
	pages["ways, one"] = v.get(t, one.address)
	pages["ways, two"] = v.get(t, two.address+"?way=2")
	pages["ways, refused"] = v.post(t, at(one.project)+"/direction", form("choice", "narrow", "key", "k"))
	one.exec(t, `UPDATE option_set SET state = 'failed', reason = 'The AI declined. Nothing you wrote is lost.' WHERE project_id = $1`, one.project.ID)
	pages["ways, failed"] = v.get(t, one.address)
	two.exec(t, `UPDATE option_set SET scope = 2 WHERE project_id = $1`, two.project.ID)
	pages["ways, stale"] = v.get(t, two.address)
	pages["ways, none"] = v.get(t, at(v.project(t, dogs))+"/options")
}

func TestBuildThis(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	b := v.bench(t, 1)
	at := "/p/" + string(b.project.ID)
	page := v.get(t, b.address).want(http.StatusOK).says("Ways to build", "Build this, up to $0.00", "Costs nothing", "First estimate, based on no builds yet",
		"If I have a question while you are away", "At the limit", "How I tell you", "Make it smaller", "Change direction", "Not now", "Go deeper first", "<b>A shop</b>")
	f := preset(t, page, at+"/build")
	if f.Get("on_question") != "wait" || f.Get("at_limit") != "ask" || f.Get("tell") != "page" || f.Get("key") == "" {
		t.Errorf("the form begins with %v", f)
	}
	f.Set("on_question", "decide")
	done := v.follow(t, v.post(t, at+"/build", f)).want(http.StatusOK).says("Your build waits in line", "Waiting", "up to $0.00").hushes("Build this, up to")
	v.follow(t, v.post(t, at+"/build", f)).want(http.StatusOK) // pressed twice
	set, err := v.options.Get(t.Context(), v.actor, b.project.ID)
	if err != nil || set.Order == nil || set.Order.OnQuestion != option.DecideForMe || done.page == nil {
		t.Fatalf("order %+v, %v", set.Order, err)
	}
	f.Set("key", "another")
	v.post(t, at+"/build", f).want(http.StatusConflict).says("A build of this project is under way")
	f.Set("ceiling", "x")
	v.post(t, at+"/build", f).want(http.StatusUnprocessableEntity).says("This page is an old one")
}

// With an AI: no button before limits are set, the ceiling on it, and a second word where
// it is more than half of what is left.
func TestCeilingOnTheButton(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	b := v.bench(t, 1)
	at := "/p/" + string(b.project.ID)
	v.connects(t, llmtest.StartConfig(t, llmtest.Config{}).URL)
	v.post(t, "/spending/limits", form("month_limit", "6", "run_limit", "10")).want(http.StatusSeeOther)
	page := v.get(t, b.address).want(http.StatusOK).says("Build this, up to $", "Usually $", "never over $", "$6.00 is left of your limit", "more than half of the $6.00", "Say it in words")
	f := preset(t, page, at+"/build")
	f.Set("at_limit", "stop")
	refused := v.post(t, at+"/build", f).want(http.StatusConflict).says("say it in words: “up to $")
	if again := preset(t, refused, at+"/build"); again.Get("at_limit") != "stop" || again.Get("key") != f.Get("key") {
		t.Errorf("what was chosen is not kept: %v, sent %v", again, f)
	}
	set, err := v.options.Get(t.Context(), v.actor, b.project.ID)
	if err != nil {
		t.Fatal(err)
	}
	f.Set("confirm", option.ConfirmWords(set.Options[0].Quote.Ceiling()))
	v.follow(t, v.post(t, at+"/build", f)).want(http.StatusOK).says("Waiting")
}

func TestChooseAndCompare(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	b := v.bench(t, 2)
	page := v.get(t, b.address+"?way=2").want(http.StatusOK).says("Way 1", "Way 2", "Recommended", "For developers", "None of these quite right?")
	shown := all(page.page, func(n *html.Node) bool { return strings.Contains(attr(n, "class"), "shown") })
	if len(shown) != 1 || attr(shown[0], "id") != "way-2" {
		t.Errorf("%d columns are shown where there is room for one", len(shown))
	}
	var marked []string
	for _, n := range all(page.page, func(n *html.Node) bool { return n.Data == "mark" }) {
		marked = append(marked, words(n))
	}
	if strings.Join(marked, ", ") != "Extra 1, Extra 2" {
		t.Errorf("marked as different: %v", marked)
	}
	choose := b.address + "/" + string(b.ways[1]) + "/choose"
	v.follow(t, v.post(t, choose, preset(t, page, choose))).want(http.StatusOK).says("This is on the button now: Way 2", "Chosen")
	v.post(t, b.address+"/opt_00000000000000000000000000/choose", form("key", "x")).want(http.StatusNotFound)
	v.follow(t, v.post(t, b.address+"/ask", form("compare", "yes", "feedback", "Smaller, please."))).want(http.StatusOK).says("I am working out how to build this").hushes("Build this, up to")
	v.post(t, b.address+"/ask", form("feedback", "Once more.")).want(http.StatusConflict).says("I am working out how to build this already", "Once more.")
}

func TestAnotherDirection(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	b := v.bench(t, 1)
	at := "/p/" + string(b.project.ID)
	v.post(t, at+"/direction", form("choice", "narrow", "key", "k", "words", " ")).want(http.StatusUnprocessableEntity).says("Say what to keep")
	v.post(t, at+"/direction", form("choice", "proceed", "key", "k")).want(http.StatusUnprocessableEntity)
	f := form("choice", "narrow", "key", "k", "words", "Only the calendar.")
	v.follow(t, v.post(t, at+"/direction", f)).want(http.StatusOK).says("I write the page again")
	v.post(t, at+"/direction", f).want(http.StatusSeeOther) // pressed twice
	page, err := v.journeys.Decisions(t.Context(), v.actor, b.project.ID, journey.Query{Kind: journey.Direction})
	if err != nil || len(page.Decisions) != 1 || page.Decisions[0].Words != "Only the calendar." {
		t.Errorf("decisions %+v, %v", page.Decisions, err)
	}
	other := v.bench(t, 1)
	v.follow(t, v.post(t, "/p/"+string(other.project.ID)+"/direction", form("choice", "park", "key", "k", "words", "until spring"))).
		want(http.StatusOK).says("On hold", "until spring", "Undo")
	v.get(t, other.address).want(http.StatusOK).hushes("Build this, up to", "Make it smaller")
}
