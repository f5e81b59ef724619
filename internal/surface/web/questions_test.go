package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cofounder/internal/base/id"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/project"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/net/html"
)

// ideas gives the world what leads from an idea to a decision.
func (w *world) ideas(t *testing.T, pool *pgxpool.Pool, ids *id.Source) {
	t.Helper()
	w.interviews = interview.New(interview.Config{
		DB: pool, Clock: w.clock, IDs: ids, Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents,
		Runs: w.flow, Model: w.model,
	})
}

// work lets the world work until the test ends.
func (w *world) work(t *testing.T) {
	t.Helper()
	if err := w.flow.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.flow.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

func working(s *settings) { s.works = true }

// await follows a project until the talk about its idea is as wanted.
func (v visitor) await(t *testing.T, p project.ID, what string, ok func(interview.Interview) bool) interview.Interview {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	news, err := v.projects.Follow(ctx, v.actor, p, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer news.Close()
	for {
		got, err := v.interviews.Get(ctx, v.actor, p)
		if err != nil {
			t.Fatal(err)
		}
		if ok(got) {
			return got
		}
		if _, err := news.Next(ctx); err != nil {
			t.Fatalf("waited for %s: %v; it is %s %s%s", what, err, got.State, got.Reason, got.Trouble)
		}
	}
}

func is(s interview.State) func(interview.Interview) bool {
	return func(i interview.Interview) bool { return i.State == s }
}

// walks is an idea of which the demo model understands enough.
const walks = "I walk dogs for eleven families. They should pick a free hour themselves, and I want to see my week with each dog's name and quirks."

// asked is a project whose first question waits.
func (v visitor) asked(t *testing.T) (at string, talk interview.Interview) {
	t.Helper()
	p := v.project(t, walks)
	return "/p/" + string(p.ID) + "/", v.await(t, p.ID, "the first question", is(interview.Asking))
}

func TestFromIdeaToLastAnswer(t *testing.T) {
	t.Parallel()
	v := newWorld(t, working).owner(t)
	at, talk := v.asked(t)
	page := v.get(t, at+"questions").want(http.StatusOK)
	page.says(talk.Line, "This is what I understood", "Dog", "Question 1 of 3", talk.Questions[0].Text, talk.Questions[0].Why, "You decide", "That is enough", talk.Questions[0].Assumes)
	if first := find(page.page, "main"); len(all(first, func(n *html.Node) bool { return attr(n, "value") == talk.Questions[0].Suggestions[0] })) != 1 {
		t.Errorf("suggestion %q is no choice", talk.Questions[0].Suggestions[0])
	}
	question := func(n int) string { return at + "questions/" + string(talk.Questions[n].ID) }

	v.post(t, question(0), form("text", " ", "do", "next")).want(http.StatusUnprocessableEntity).says("Say it in a few words", talk.Questions[0].Text)
	v.follow(t, v.post(t, question(0), form("choice", "What I say", "do", "next"))).says("Question 2 of 3", "What you said", "What I say", "Change")
	v.follow(t, v.post(t, question(1), form("do", "decide"))).says("Question 3 of 3", "What we assumed", talk.Questions[1].Assumes)

	again := v.get(t, question(0)).want(http.StatusOK).says("Question 1 of 3", "Save", "Leave it as it is").hushes("That is enough")
	if got := attr(byID(again.page, "text"), "value") + words(byID(again.page, "text")); got != "What I say" {
		t.Errorf("the answer to edit is %q", got)
	}
	v.follow(t, v.post(t, question(0), form("text", "Said better", "choice", "What I say", "do", "next"))).says("Said better", "Question 3 of 3").hushes("What I say")

	v.post(t, question(2), form("text", "My last words", "do", "enough")).want(http.StatusSeeOther)
	done := v.await(t, talk.Project, "the page", is(interview.Written))
	if a := done.Questions[2].Answer; a == nil || a.Text != "My last words" {
		t.Errorf("what was typed beside “That is enough” is %+v", a)
	}
	v.get(t, at+"questions").want(http.StatusOK).says("Your page is written", "Go deeper", "My last words")
	v.get(t, at).want(http.StatusOK).says("Your page is ready")
}

// What somebody answers to a question that another one has replaced is not lost.
func TestAnswerToAQuestionThatIsGone(t *testing.T) {
	t.Parallel()
	v := newWorld(t, working).owner(t)
	at, talk := v.asked(t)
	gone := strings.Replace(string(talk.Questions[0].ID), "que_0", "que_1", 1)
	v.post(t, at+"questions/"+gone, form("text", "Forty years of experience", "do", "next")).want(http.StatusConflict).says("Your words are still here")
	v.get(t, at+"questions/"+gone).want(http.StatusNotFound)
	v.get(t, at+"questions/nonsense").want(http.StatusNotFound)
}

func TestCorrectingWhatWasUnderstood(t *testing.T) {
	t.Parallel()
	v := newWorld(t, working).owner(t)
	at, talk := v.asked(t)
	rows := func(change map[string]string) url.Values {
		f := form("name", talk.Chips.Name)
		for name, list := range map[string][]interview.Chip{"people": talk.Chips.People, "things": talk.Chips.Things} {
			for n, c := range list {
				key := name + "." + string(rune('0'+n))
				f.Set(key, c.Name)
				f.Set(key+".from", c.From)
				f.Set(key+".details", strings.Join(c.Details, ", "))
			}
		}
		for k, value := range change {
			f.Set(k, value)
		}
		return f
	}
	v.follow(t, v.post(t, at+"understood", rows(map[string]string{"things.0": "Visit", "name": "Pawbook"}))).says("Understood", "Visit")
	v.get(t, at+"questions").says("Visit")
	if got, err := v.interviews.Get(t.Context(), v.actor, talk.Project); err != nil || got.Chips.Name != "Pawbook" || got.Chips.Things[0].Name != "Visit" || got.Chips.Things[0].From != talk.Chips.Things[0].Name {
		t.Errorf("%+v, %v", got.Chips, err)
	}
	empty := form("name", "")
	v.post(t, at+"understood", empty).want(http.StatusUnprocessableEntity).says("Leave me a little more")
}

func TestShortIdeaIsAskedAbout(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	p := v.project(t, "Dogs")
	v.get(t, "/p/"+string(p.ID)+"/questions").want(http.StatusOK).says("Before we start", "That is a start").hushes("That is enough")
}

// A project that was made without questions is not a dead end.
func TestProjectWithoutQuestions(t *testing.T) {
	t.Parallel()
	v := newWorld(t, working).owner(t)
	p := v.unasked(t, walks)
	at := "/p/" + string(p.ID) + "/"
	v.get(t, at).want(http.StatusOK).says("I have not asked you anything yet", "Ask me")
	v.get(t, at+"questions").want(http.StatusOK).says(walks, "Ask me")
	v.post(t, at+"questions", form()).leads(at + "questions")
	v.await(t, p.ID, "the first question", is(interview.Asking))
	v.get(t, at+"questions").want(http.StatusOK).says("Question 1 of 3")
}

func TestAnswersThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	v := newWorld(t, working).owner(t)
	at, talk := v.asked(t)
	v.clash(t, talk)
	v.get(t, at+"questions").want(http.StatusOK).says("These two do not go together", "“eleven families” holds", "How many families it is.", "Decide later")
	settle := at + "contradictions/" + aClash
	v.post(t, settle, form("choice", "both", "because", "")).want(http.StatusUnprocessableEntity).says("Say how both can hold")
	v.follow(t, v.post(t, settle, form("choice", "first"))).says("Settled").hushes("These two do not go together")
	v.post(t, at+"contradictions/con_unknown", form("choice", "first")).want(http.StatusNotFound)
}

const aClash = "con_00000000000000000000000000"

// clash makes the idea and the first answer contradict each other, which fixed rules never find.
func (v visitor) clash(t *testing.T, talk interview.Interview) {
	t.Helper()
	v.exec(t, `INSERT INTO contradiction (id, project_id, first, second, first_quote, second_quote, clash, at)
		VALUES ('`+aClash+`', '`+string(talk.Project)+`', 'idea', '`+string(talk.Questions[0].ID)+`', 'eleven families', 'only one family', 'How many families it is.', now())`)
}

// The page reads in order, is edited in its place, and says what is stale or has failed.
func TestIdeaOnOnePage(t *testing.T) {
	t.Parallel()
	v := newWorld(t, working).owner(t)
	at, talk := v.asked(t)
	v.get(t, at+"brief").leads(at + "questions")
	for _, q := range talk.Questions {
		v.post(t, at+"questions/"+string(q.ID), form("do", "decide"))
	}
	v.await(t, talk.Project, "the page", is(interview.Written))
	v.get(t, at+"brief").want(http.StatusOK).says("Your idea on one page", "Who it is for", "The problem", "In this version", "Not in this version", "What we assumed", talk.Questions[0].Assumes, "Version 1", "Build it?")
	v.get(t, at+"brief?edit=problem").want(http.StatusOK).says("Save", "Leave it as it is").hushes("Build it?")
	v.get(t, at+"brief?edit=nonsense").want(http.StatusNotFound)
	v.post(t, at+"documents/brief/edit", form("section", "problem", "base", "1", "problem", "Sundays are gone.")).leads(at + "brief#sec-problem")
	v.get(t, at+"brief").says("Sundays are gone.", "Your words", "Version 2")

	v.post(t, at+"questions/"+string(talk.Questions[0].ID), form("text", "Something new", "do", "next")).leads(at + "brief")
	v.get(t, at+"brief").says("You said something new", "Write it anew")
	v.exec(t, `UPDATE interview SET state = 'failed', failed_at = 'writing', reason = 'Something broke on my side.'`)
	v.exec(t, `DELETE FROM page_section WHERE section = 'risks'`)
	v.get(t, at+"brief").want(http.StatusOK).says("Something broke on my side.", "Write it again").hushes("Build it?")
	v.post(t, at+"retry", form()).leads(at + "brief")
	v.await(t, talk.Project, "the page again", is(interview.Written))
}

func TestQuestionsArriveByThemselves(t *testing.T) {
	t.Parallel()
	v := newWorld(t, working).owner(t)
	p := v.project(t, walks)
	r := v.reads(t, "/p/"+string(p.ID)+"/questions/live?after=0", "")
	for {
		if parts := r.next(t); strings.Contains(parts["talk"], "Question 1 of 3") {
			break
		}
	}
}
