package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/interview/attachment"
	"cofounder/internal/product/project"
)

type question struct {
	ID          interview.QuestionID `json:"id"`
	Round       int                  `json:"round" doc:"0 while it is about the idea itself, then 1, 2 …"`
	Text        string               `json:"text"`
	Why         string               `json:"why" doc:"Why it is asked"`
	Kind        interview.Kind       `json:"kind" enum:"short,long,one_of,many_of"`
	Suggestions []string             `json:"suggestions"`
	Hint        string               `json:"hint"`
	Decides     string               `json:"decides" doc:"The section of brief or scope that the answer informs"`
	Assumes     string               `json:"assumes" doc:"What is assumed when it is left to us"`
	Answer      *givenAnswer         `json:"answer,omitempty" doc:"Left out: not answered yet"`
}

type givenAnswer struct {
	Text       string         `json:"text"`
	YouDecide  bool           `json:"you_decide"`
	Number     int            `json:"number" doc:"Which wording this is, from 1; earlier ones are kept"`
	Author     account.UserID `json:"author"`
	AnsweredAt time.Time      `json:"answered_at"`
}

type contradiction struct {
	ID          interview.ContradictionID `json:"id"`
	First       string                    `json:"first" doc:"A question, or idea"`
	Second      string                    `json:"second"`
	FirstQuote  string                    `json:"first_quote"`
	SecondQuote string                    `json:"second_quote"`
	Clash       string                    `json:"clash"`
	Choice      interview.Choice          `json:"choice,omitempty" enum:"first,second,both,later" doc:"Left out: not settled yet"`
	Because     string                    `json:"because"`
}

// Understood is what was understood of an idea. It is exported as Token is.
type Understood struct {
	Name   string           `json:"name" maxLength:"60"`
	People []UnderstoodNoun `json:"people" maxItems:"12"`
	Things []UnderstoodNoun `json:"things" maxItems:"12"`
}

// UnderstoodNoun is somebody who uses the product, or something it keeps track of.
type UnderstoodNoun struct {
	From    string   `json:"from" maxLength:"100" doc:"The name as it was first understood; empty: added"`
	Name    string   `json:"name" maxLength:"60"`
	Details []string `json:"details" maxItems:"12"`
}

type pageSection struct {
	Section    string      `json:"section"`
	Content    any         `json:"content" doc:"The document with this section only"`
	Confidence *confidence `json:"confidence,omitempty" doc:"Left out: nobody judged it"`
	WrittenAt  time.Time   `json:"written_at"`
}

type talk struct {
	Project        project.ID            `json:"project"`
	State          interview.State       `json:"state" enum:"asking,reading,writing,written,failed"`
	Depth          interview.Depth       `json:"depth" enum:"quick,deeper,deep,deepest"`
	Reason         string                `json:"reason" doc:"While failed, in plain words"`
	Trouble        string                `json:"trouble" doc:"What is waited for while the work goes on by itself"`
	Verdict        interview.Verdict     `json:"verdict,omitempty" enum:"can,partly,cannot,decline" doc:"Left out until the idea is read"`
	Line           string                `json:"line" doc:"What kind of thing can be built of the idea, or what cannot"`
	Understood     *Understood           `json:"understood,omitempty" doc:"Left out until the idea is read"`
	Questions      []question            `json:"questions"`
	Current        *interview.QuestionID `json:"current" doc:"The question that waits for an answer"`
	Contradictions []contradiction       `json:"contradictions"`
	Stale          []string              `json:"stale" doc:"Sections that were said something new about since the page was written"`
	Attachments    []Attachment          `json:"attachments" doc:"Files that came with the idea"`
	Sections       []pageSection         `json:"sections" doc:"Of the page while it is written, as they are finished"`
}

// ideaDraft is an idea as it is told.
type ideaDraft struct {
	Name  string      `json:"name,omitempty" maxLength:"80" doc:"Taken from the idea when left out"`
	Idea  string      `json:"idea,omitempty" maxLength:"1048576" doc:"Of more than 100,000 bytes the whole becomes a file and the beginning is the idea. May be left out where a file says it"`
	Files []fileDraft `json:"files,omitempty" maxItems:"5"`
}

type ideaIn struct{ Body ideaDraft }

type talkOut struct{ Body talk }

type newTalkOut struct {
	Location string `header:"Location"`
	Body     talk
}

type answerIn struct {
	Project  string `path:"project"`
	Question string `path:"question"`
	Body     struct {
		Text string `json:"text" maxLength:"20000" doc:"Of several suggestions one a line"`
	}
}

type questionPath struct {
	Project  string `path:"project"`
	Question string `path:"question"`
}

type depthIn struct {
	Project string `path:"project"`
	Body    struct {
		Depth interview.Depth `json:"depth" enum:"deeper,deep,deepest" doc:"6–8, 10–12 or 14–16 more questions"`
	}
}

type choiceIn struct {
	Project       string `path:"project"`
	Contradiction string `path:"contradiction"`
	Body          struct {
		Choice  interview.Choice `json:"choice" enum:"first,second,both,later"`
		Because string           `json:"because,omitempty" maxLength:"20000" doc:"Both needs it"`
	}
}

type understoodIn struct {
	Project string `path:"project"`
	Body    Understood
}

func (a *api) interview() {
	const at = "/projects/{project}/interview"
	register(a, operation{
		id: "tell-idea", method: http.MethodPost, path: "/ideas", tag: tagInterview, access: member, status: http.StatusCreated, body: filesBody,
		summary: "Tell an idea: makes a project and begins to ask about it",
		notes:   "What is read and asked follows by itself; look at the interview, or follow the project's events.",
	}, a.tellIdea)
	register(a, operation{
		id: "get-interview", method: http.MethodGet, path: at, tag: tagInterview, access: member,
		summary: "Get questions, answers and where it stands",
	}, a.onInterview(a.cfg.Interviews.Get))
	register(a, operation{
		id: "answer-question", method: http.MethodPut, path: at + "/questions/{question}/answer", tag: tagInterview, access: member,
		summary: "Answer a question, or answer it in other words",
		notes:   "The same answer again changes nothing. The last answer of a round starts what follows.",
	}, a.answerQuestion)
	register(a, operation{
		id: "leave-question", method: http.MethodPost, path: at + "/questions/{question}/leave", tag: tagInterview, access: member,
		summary: "Leave the answer to us",
		notes:   "What is then assumed stands with the question, and can be answered in other words at any time.",
	}, a.leaveQuestion)
	register(a, operation{
		id: "correct-understanding", method: http.MethodPut, path: at + "/understanding", tag: tagInterview, access: member,
		summary: "Correct what was understood of the idea",
		notes:   "Send the whole of it as it should be: what is left out is taken away, what has no from is added. The same again changes nothing. 409 not_yet.",
	}, a.correctUnderstanding)
	register(a, operation{
		id: "take-up-idea", method: http.MethodPost, path: at, tag: tagInterview, access: member,
		summary: "Begin to ask about the idea of a project that was made without",
	}, a.onInterview(a.cfg.Interviews.TakeUp))
	register(a, operation{
		id: "enough-questions", method: http.MethodPost, path: at + "/enough", tag: tagInterview, access: member,
		summary: "End the questions and have the page written",
	}, a.onInterview(a.cfg.Interviews.Enough))
	register(a, operation{
		id: "go-deeper", method: http.MethodPost, path: at + "/deeper", tag: tagInterview, access: member,
		summary: "Ask for more questions",
	}, a.goDeeper)
	register(a, operation{
		id: "rewrite-page", method: http.MethodPost, path: at + "/rewrite", tag: tagInterview, access: member,
		summary: "Write the page again from the answers as they are now",
		notes:   "Words you edited are not replaced: the difference becomes a proposal.",
	}, a.onInterview(a.cfg.Interviews.Rewrite))
	register(a, operation{
		id: "retry-interview", method: http.MethodPost, path: at + "/retry", tag: tagInterview, access: member,
		summary: "Begin again what failed",
	}, a.onInterview(a.cfg.Interviews.Retry))
	register(a, operation{
		id: "settle-contradiction", method: http.MethodPut, path: at + "/contradictions/{contradiction}", tag: tagInterview, access: member,
		summary: "Say which of two answers holds",
	}, a.settleContradiction)
}

func (a *api) tellIdea(ctx context.Context, actor account.Actor, in *ideaIn) (*newTalkOut, error) {
	files := make([]attachment.File, 0, len(in.Body.Files))
	for _, f := range in.Body.Files {
		files = append(files, attachment.File(f))
	}
	begun, err := a.cfg.Interviews.Begin(ctx, actor, project.Draft{Name: in.Body.Name, Idea: in.Body.Idea}, files...) //nolint:unqueryvet // an interview, not a transaction
	if err != nil {
		return nil, err
	}
	return &newTalkOut{Location: Prefix + "/projects/" + string(begun.Project) + "/interview", Body: shapeTalk(begun)}, nil
}

func (a *api) answerQuestion(ctx context.Context, actor account.Actor, in *answerIn) (*talkOut, error) {
	return a.reply(ctx, actor, questionPath{in.Project, in.Question}, interview.Reply{Text: in.Body.Text})
}

func (a *api) leaveQuestion(ctx context.Context, actor account.Actor, in *questionPath) (*talkOut, error) {
	return a.reply(ctx, actor, *in, interview.Reply{YouDo: true})
}

func (a *api) reply(ctx context.Context, actor account.Actor, at questionPath, reply interview.Reply) (*talkOut, error) {
	var err error
	if reply.Question, err = parse[interview.QuestionID](at.Question); err != nil {
		return nil, err
	}
	return a.onInterview(func(ctx context.Context, actor account.Actor, p project.ID) (interview.Interview, error) {
		return a.cfg.Interviews.Submit(ctx, actor, p, reply)
	})(ctx, actor, &projectPath{Project: at.Project})
}

func (a *api) goDeeper(ctx context.Context, actor account.Actor, in *depthIn) (*talkOut, error) {
	return a.onInterview(func(ctx context.Context, actor account.Actor, p project.ID) (interview.Interview, error) {
		return a.cfg.Interviews.GoDeeper(ctx, actor, p, in.Body.Depth)
	})(ctx, actor, &projectPath{Project: in.Project})
}

func (a *api) settleContradiction(ctx context.Context, actor account.Actor, in *choiceIn) (*talkOut, error) {
	c, err := parse[interview.ContradictionID](in.Contradiction)
	if err != nil {
		return nil, err
	}
	return a.onInterview(func(ctx context.Context, actor account.Actor, p project.ID) (interview.Interview, error) {
		return a.cfg.Interviews.Choose(ctx, actor, p, c, in.Body.Choice, in.Body.Because)
	})(ctx, actor, &projectPath{Project: in.Project})
}

func shapeChips(all []interview.Chip) []UnderstoodNoun {
	out := make([]UnderstoodNoun, 0, len(all))
	for _, c := range all {
		out = append(out, UnderstoodNoun(c))
	}
	return out
}

func chipsOf(all []UnderstoodNoun) []interview.Chip {
	out := make([]interview.Chip, 0, len(all))
	for _, n := range all {
		out = append(out, interview.Chip(n))
	}
	return out
}

func (a *api) correctUnderstanding(ctx context.Context, actor account.Actor, in *understoodIn) (*talkOut, error) {
	c := interview.Chips{Name: in.Body.Name, People: chipsOf(in.Body.People), Things: chipsOf(in.Body.Things)}
	return a.onInterview(func(ctx context.Context, actor account.Actor, p project.ID) (interview.Interview, error) {
		return a.cfg.Interviews.Correct(ctx, actor, p, c)
	})(ctx, actor, &projectPath{Project: in.Project})
}

// onInterview makes an operation of a product call that needs nothing but the project.
func (a *api) onInterview(
	call func(context.Context, account.Actor, project.ID) (interview.Interview, error),
) func(context.Context, account.Actor, *projectPath) (*talkOut, error) {
	return func(ctx context.Context, actor account.Actor, in *projectPath) (*talkOut, error) {
		id, err := parse[project.ID](in.Project)
		if err != nil {
			return nil, err
		}
		got, err := call(ctx, actor, id)
		if err != nil {
			return nil, err
		}
		return &talkOut{Body: shapeTalk(got)}, nil
	}
}

func shapeTalk(i interview.Interview) talk {
	t := talk{
		Project: i.Project, State: i.State, Depth: i.Depth, Reason: i.Reason, Trouble: i.Trouble, Verdict: i.Verdict, Line: i.Line,
		Questions: []question{}, Current: orNull(i.Current), Contradictions: []contradiction{}, Stale: i.Stale, Sections: []pageSection{},
		Attachments: []Attachment{},
	}
	if i.Chips != nil {
		t.Understood = &Understood{Name: i.Chips.Name, People: shapeChips(i.Chips.People), Things: shapeChips(i.Chips.Things)}
	}
	for _, q := range i.Questions {
		one := question{
			ID: q.ID, Round: q.Round, Text: q.Text, Why: q.Why, Kind: q.Kind, Suggestions: q.Suggestions, Hint: q.Hint, Decides: q.Decides, Assumes: q.Assumes,
		}
		if q.Answer != nil {
			one.Answer = &givenAnswer{Text: q.Answer.Text, YouDecide: q.Answer.Ours, Number: q.Answer.Number, Author: q.Answer.Author, AnsweredAt: q.Answer.At}
		}
		t.Questions = append(t.Questions, one)
	}
	for _, c := range i.Contradictions {
		t.Contradictions = append(t.Contradictions, contradiction{
			ID: c.ID, First: c.First, Second: c.Second, FirstQuote: c.FirstQuote, SecondQuote: c.SecondQuote, Clash: c.Clash,
			Choice: c.Choice, Because: c.Because,
		})
	}
	for _, f := range i.Files {
		t.Attachments = append(t.Attachments, shapeAttachment(f))
	}
	for _, s := range i.Sections {
		one := pageSection{Section: s.Name, Content: s.Content, WrittenAt: s.At}
		if c := s.Confidence; c != nil {
			one.Confidence = &confidence{Section: s.Name, Level: string(c.Level), Reason: c.Reason}
		}
		t.Sections = append(t.Sections, one)
	}
	return t
}
