package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cofounder/internal/base/fault"
	"cofounder/internal/base/id"
	"cofounder/internal/product/account"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web/view"
)

func questionsAddress(p project.Project) string {
	return view.QuestionsAddress(view.ProjectAddress(p))
}

// questionsPage asks what is asked now.
func (s *Site) questionsPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	return s.showQuestions(w, r, v, p, "", asksAgain{status: http.StatusOK})
}

// questionPage asks one question, also one that was answered.
func (s *Site) questionPage(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	q, err := questionOf(r)
	if err != nil {
		return err
	}
	return s.showQuestions(w, r, v, p, q, asksAgain{status: http.StatusOK})
}

func questionOf(r *http.Request) (interview.QuestionID, error) {
	q, err := id.Parse[interview.QuestionID](r.PathValue("question"))
	if err != nil {
		return "", fault.New(fault.NotFound, "", "I did not ask that question, or another one has taken its place.")
	}
	return q, nil
}

// asksAgain is what a form of the page left when it was refused.
type asksAgain struct {
	status             int
	form, chips, clash view.Form
	choices            []string
}

func (s *Site) showQuestions(w http.ResponseWriter, r *http.Request, v visit, p project.Project, which interview.QuestionID, again asksAgain) error {
	// What happens from here on is told by the stream.
	_, cursor, err := s.cfg.Projects.Lately(r.Context(), v.actor, p.ID, 1)
	if err != nil {
		return err
	}
	page, err := s.questions(r.Context(), v.actor, p)
	if err != nil {
		return err
	}
	page.Form, page.Chips, page.Clash, page.Choices = again.form, again.chips, again.clash, again.choices
	title, live := "Questions", view.ProjectAddress(p)+"questions/live?after="+strconv.FormatInt(cursor, 10)
	if page.Talk == nil && which != "" {
		return fault.New(fault.NotFound, "", "I have not asked anything about this idea yet.")
	}
	if page.Talk != nil {
		if which == "" {
			which = page.Talk.Current
		} else if which != page.Talk.Current {
			page.Again, live = true, live+"&aside=1"
		}
		at := slices.IndexFunc(page.Talk.Questions, func(q interview.Question) bool { return q.ID == which })
		switch {
		case at >= 0:
			page.Shown = &page.Talk.Questions[at]
		case page.Again:
			return fault.New(fault.NotFound, "", "I did not ask that question, or another one has taken its place.")
		}
	}
	sh, err := s.projectShell(w, r, v, p, title)
	if err != nil {
		return err
	}
	sh.Here, sh.Live = view.PlaceDocuments, live
	return s.page(w, r, again.status, secret, view.QuestionsPage(sh, page))
}

// questions reads the talk about an idea, and what the actor may do there.
func (s *Site) questions(ctx context.Context, actor account.Actor, p project.Project) (view.Questions, error) {
	page := view.Questions{MayEdit: actor.Need(account.MayWrite) == nil && p.Status == project.Active}
	talk, err := s.cfg.Interviews.Get(ctx, actor, p.ID)
	if fault.Is(err, fault.NotFound) { // the project is there: it began without questions
		return page, nil
	}
	if err != nil {
		return view.Questions{}, err
	}
	page.Talk = &talk
	return page, nil
}

// takeUp begins to ask about a project that was made without.
func (s *Site) takeUp(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	if _, err := s.cfg.Interviews.TakeUp(r.Context(), v.actor, p.ID); err != nil {
		return err
	}
	seeOther(w, r, questionsAddress(p))
	return nil
}

// answer takes what the founder says to a question. "That is enough" keeps what was
// typed, too.
func (s *Site) answer(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	q, err := questionOf(r)
	if err != nil {
		return err
	}
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	reply, does := replyOf(q, f), f.Get("do")
	var talk interview.Interview
	if does != "enough" || reply.Text != "" {
		talk, err = s.cfg.Interviews.Submit(r.Context(), v.actor, p.ID, reply)
	}
	if err == nil && does == "enough" && talk.State != interview.Reading {
		talk, err = s.cfg.Interviews.Enough(r.Context(), v.actor, p.ID)
	}
	if err != nil {
		return s.refuseAnswer(w, r, v, p, q, err)
	}
	to := questionsAddress(p)
	if talk.State == interview.Writing || talk.State == interview.Written {
		to = briefAddress(p)
	}
	seeOther(w, r, to)
	return nil
}

// refuseAnswer shows the question again with what was said. One that is not there any
// more gives its words to the one that is.
func (s *Site) refuseAnswer(w http.ResponseWriter, r *http.Request, v visit, p project.Project, q interview.QuestionID, err error) error {
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Conflict, "", "That question fits no more after what you said, so I ask another one. Your words are still here.").Because(err)
		q = ""
	}
	re, err := refused(w, err, r.PostForm)
	if err != nil {
		return err
	}
	ticked := slices.Concat(r.PostForm["choice"], r.PostForm["choices"])
	return s.showQuestions(w, r, v, p, q, asksAgain{status: re.status, form: re.form, choices: ticked})
}

// replyOf reads an answer: own words stand in place of the suggestion chosen among
// several, and after those of which any number can be chosen.
func replyOf(q interview.QuestionID, f url.Values) interview.Reply {
	words := strings.TrimSpace(f.Get("text"))
	said := words
	if many := f["choices"]; len(many) > 0 {
		said = strings.TrimSpace(strings.Join(append(slices.Clone(many), words), "\n"))
	} else if words == "" {
		said = f.Get("choice")
	}
	return interview.Reply{Question: q, Text: said, YouDo: f.Get("do") == "decide"}
}

// correct takes what was understood as the founder says it is.
func (s *Site) correct(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	c := interview.Chips{Name: f.Get("name"), People: chipsOf(f, "people"), Things: chipsOf(f, "things")}
	if _, err := s.cfg.Interviews.Correct(r.Context(), v.actor, p.ID, c); err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		return s.showQuestions(w, r, v, p, "", asksAgain{status: re.status, chips: re.form})
	}
	return done(w, r, questionsAddress(p), flash{what: understoodSaved})
}

// chipsOf reads the rows of one kind.
func chipsOf(f url.Values, name string) []interview.Chip {
	const most = 40 // rows; more than can be kept, so that the product says so
	all := []interview.Chip{}
	for n := range most {
		at := name + "." + strconv.Itoa(n)
		if !f.Has(at) {
			break
		}
		one := interview.Chip{From: f.Get(at + ".from"), Name: f.Get(at), Details: []string{}}
		for d := range strings.SplitSeq(f.Get(at+".details"), ",") {
			one.Details = append(one.Details, strings.TrimSpace(d))
		}
		all = append(all, one)
	}
	return all
}

// settle takes what the founder says about two answers that do not go together.
func (s *Site) settle(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	c, err := id.Parse[interview.ContradictionID](r.PathValue("contradiction"))
	if err != nil {
		return fault.New(fault.NotFound, "", "There is no such contradiction.")
	}
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	because := ""
	if f.Get("choice") == string(interview.Both) {
		because = f.Get("because")
	}
	if _, err := s.cfg.Interviews.Choose(r.Context(), v.actor, p.ID, c, interview.Choice(f.Get("choice")), because); err != nil {
		re, err := refused(w, err, f)
		if err != nil {
			return err
		}
		clash := view.Form{Values: map[string]string{string(c): f.Get("because")}, Problem: re.form.Problem}
		for _, field := range re.form.Fields {
			clash.Fields = append(clash.Fields, fault.Field{Name: string(c), Detail: field.Detail})
		}
		return s.showQuestions(w, r, v, p, "", asksAgain{status: re.status, clash: clash})
	}
	return done(w, r, questionsAddress(p), flash{what: clashSettled})
}

// goDeeper asks for more questions.
func (s *Site) goDeeper(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	f, err := httpd.Form(r)
	if err != nil {
		return err
	}
	if _, err := s.cfg.Interviews.GoDeeper(r.Context(), v.actor, p.ID, interview.Depth(f.Get("depth"))); err != nil {
		return err
	}
	seeOther(w, r, questionsAddress(p))
	return nil
}

// retry begins again what failed, and leads to where it is seen.
func (s *Site) retry(w http.ResponseWriter, r *http.Request, v visit, p project.Project) error {
	talk, err := s.cfg.Interviews.Retry(r.Context(), v.actor, p.ID)
	if err != nil {
		return err
	}
	to := questionsAddress(p)
	if talk.State == interview.Writing || talk.State == interview.Written {
		to = briefAddress(p)
	}
	seeOther(w, r, to)
	return nil
}
