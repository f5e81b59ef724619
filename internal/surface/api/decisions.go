package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"
)

type alternative struct {
	Value       string   `json:"value" minLength:"1" maxLength:"300"`
	Title       string   `json:"title" minLength:"1" maxLength:"300"`
	Description string   `json:"description,omitempty" maxLength:"20000"`
	Next        string   `json:"next,omitempty" maxLength:"20000" doc:"What happens when it is chosen"`
	Pros        []string `json:"pros,omitempty" maxItems:"40"`
	Cons        []string `json:"cons,omitempty" maxItems:"40"`
}

type advice struct {
	Value       string   `json:"value" minLength:"1" maxLength:"300"`
	Reasons     []string `json:"reasons,omitempty" maxItems:"40"`
	ChangesMind string   `json:"changes_mind,omitempty" maxLength:"20000" doc:"What would make the advice another"`
}

type effect struct {
	Kind   string `json:"kind" enum:"stage,run,parked,document"`
	Object string `json:"object"`
}

type decisionWhole struct {
	ID        journey.DecisionID `json:"id"`
	Kind      string             `json:"kind" enum:"direction,next_step,option,question"`
	Topic     string             `json:"topic"`
	Question  string             `json:"question"`
	Options   []alternative      `json:"options" doc:"Empty: any words are an answer"`
	Advice    *advice            `json:"advice,omitempty" doc:"Left out: none, or it was given before and nothing has changed"`
	Stage     stageName          `json:"stage" doc:"The project's when it was asked"`
	AskedBy   *account.UserID    `json:"asked_by" doc:"Null: we did"`
	AskedAt   time.Time          `json:"asked_at"`
	Choice    *string            `json:"choice" doc:"Null while it is open"`
	Words     string             `json:"words" doc:"What to keep, the new direction, the note"`
	Because   string             `json:"because"`
	Otherwise bool               `json:"otherwise" doc:"Not what was advised"`
	Effects   []effect           `json:"effects" doc:"What it changed"`
	DecidedBy *account.UserID    `json:"decided_by"`
	DecidedAt *time.Time         `json:"decided_at"`
}

type decisionDraft struct {
	Key      string        `json:"key,omitempty" maxLength:"200" doc:"Asking again with the same key, however late, returns the decision that is there"`
	Kind     string        `json:"kind" enum:"question,direction,next_step,option"`
	Topic    string        `json:"topic,omitempty" maxLength:"300" doc:"Of a question, in a word: pricing, checkout"`
	Question string        `json:"question,omitempty" maxLength:"20000" doc:"Left out: the usual one of the kind"`
	Options  []alternative `json:"options,omitempty" maxItems:"12"`
	Advice   *advice       `json:"advice,omitempty"`
}

type decisionIn struct {
	Project string `path:"project"`
	Body    decisionDraft
}

type verdict struct {
	Key     string `json:"key,omitempty" maxLength:"200" doc:"Deciding again with the same key and verdict, however late, changes nothing"`
	Choice  string `json:"choice" minLength:"1" maxLength:"20000" doc:"The value of one of the options, or words where there are none"`
	Words   string `json:"words,omitempty" maxLength:"20000" doc:"Needed with narrow (what to keep) and pivot (the new direction); the note with park"`
	Because string `json:"because,omitempty" maxLength:"20000"`
}

type verdictIn struct {
	Project  string `path:"project"`
	Decision string `path:"decision"`
	Body     verdict
}

type verdictNow struct {
	Key     string `json:"key,omitempty" maxLength:"200" doc:"Deciding again with the same key and verdict, however late, changes nothing"`
	Kind    string `json:"kind" enum:"direction,next_step"`
	Choice  string `json:"choice" enum:"proceed,narrow,pivot,park,iterate,ship"`
	Words   string `json:"words,omitempty" maxLength:"20000" doc:"Needed with narrow (what to keep) and pivot (the new direction); the note with park; with iterate the change"`
	Because string `json:"because,omitempty" maxLength:"20000"`
}

type verdictNowIn struct {
	Project string `path:"project"`
	Body    verdictNow
}

type decisionPath struct {
	Project  string `path:"project"`
	Decision string `path:"decision"`
}

type decisionQuery struct {
	Project string `path:"project"`
	Kind    string `query:"kind" enum:"direction,next_step,option,question"`
	Cursor  string `query:"cursor" maxLength:"1000" doc:"next of the page before"`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type decisionOut struct{ Body decisionWhole }

type newDecisionOut struct {
	Location string `header:"Location"`
	Body     decisionWhole
}

func (a *api) decisions() {
	register(a, operation{
		id: "list-decisions", method: http.MethodGet, path: "/projects/{project}/decisions", tag: tagJourney, access: member,
		summary: "List decisions, the latest asked first",
	}, a.listDecisions)
	register(a, operation{
		id: "open-decision", method: http.MethodPost, path: "/projects/{project}/decisions", tag: tagJourney, access: member, status: http.StatusCreated,
		summary: "Ask for a decision",
		notes:   "At most one of a kind is open at a time, any number of questions: 409 decision_open says which one waits.",
	}, a.openDecision)
	register(a, operation{
		id: "get-decision", method: http.MethodGet, path: "/projects/{project}/decisions/{decision}", tag: tagJourney, access: member,
		summary: "Get a decision",
	}, a.getDecision)
	register(a, operation{
		id: "decide", method: http.MethodPost, path: "/projects/{project}/decisions/{decision}/decide", tag: tagJourney, access: member,
		summary: "Decide",
		notes:   "Once, with all its effects or not at all: 409 decided_already. What takes time is a run that starts with it.",
	}, a.decide)
	register(a, operation{
		id: "decide-now", method: http.MethodPost, path: "/projects/{project}/decide", tag: tagJourney, access: member,
		summary: "Ask and decide direction or next step in one",
		notes:   "Decides the open one of the kind, if there is one.",
	}, a.decideNow)
}

func (a *api) listDecisions(ctx context.Context, actor account.Actor, in *decisionQuery) (*pageOut[decisionWhole], error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	found, err := a.cfg.Journeys.Decisions(ctx, actor, id, journey.Query{Kind: journey.Kind(in.Kind), After: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return listed(found.Decisions, found.Next, shapeDecision), nil
}

func (a *api) openDecision(ctx context.Context, actor account.Actor, in *decisionIn) (*newDecisionOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	ask := journey.Ask{Key: keyed(in.Body.Key), Kind: journey.Kind(in.Body.Kind), Topic: in.Body.Topic, Question: in.Body.Question}
	for _, o := range in.Body.Options {
		ask.Options = append(ask.Options, journey.Alternative(o))
	}
	if in.Body.Advice != nil {
		given := journey.Advice(*in.Body.Advice)
		ask.Advice = &given
	}
	d, err := a.cfg.Journeys.Open(ctx, actor, id, ask)
	if err != nil {
		return nil, err
	}
	return &newDecisionOut{Location: Prefix + "/projects/" + string(id) + "/decisions/" + string(d.ID), Body: shapeDecision(d)}, nil
}

func (a *api) getDecision(ctx context.Context, actor account.Actor, in *decisionPath) (*decisionOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	which, err := parse[journey.DecisionID](in.Decision)
	if err != nil {
		return nil, err
	}
	return decision(a.cfg.Journeys.Decision(ctx, actor, id, which))
}

func (a *api) decide(ctx context.Context, actor account.Actor, in *verdictIn) (*decisionOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	which, err := parse[journey.DecisionID](in.Decision)
	if err != nil {
		return nil, err
	}
	v := journey.Verdict(in.Body)
	v.Key = keyed(v.Key)
	return decision(a.cfg.Journeys.Decide(ctx, actor, id, which, v))
}

func (a *api) decideNow(ctx context.Context, actor account.Actor, in *verdictNowIn) (*decisionOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	return decision(a.cfg.Journeys.DecideNow(ctx, actor, id, journey.Ask{Kind: journey.Kind(in.Body.Kind)}, journey.Verdict{
		Key: keyed(in.Body.Key), Choice: in.Body.Choice, Words: in.Body.Words, Because: in.Body.Because,
	}))
}

// keyed returns a key, one that nobody else has where none was given.
func keyed(given string) string {
	if given != "" {
		return given
	}
	return rand.Text()
}

func decision(d journey.Decision, err error) (*decisionOut, error) {
	if err != nil {
		return nil, err
	}
	return &decisionOut{Body: shapeDecision(d)}, nil
}

func shapeDecision(d journey.Decision) decisionWhole {
	all := decisionWhole{
		ID: d.ID, Kind: string(d.Kind), Topic: d.Topic, Question: d.Question, Options: []alternative{},
		Stage: stageName(d.Stage.String()), AskedBy: orNull(d.AskedBy), AskedAt: d.AskedAt,
		Choice: orNull(d.Choice), Words: d.Words, Because: d.Because, Otherwise: d.Otherwise, Effects: []effect{},
		DecidedBy: orNull(d.DecidedBy), DecidedAt: d.DecidedAt,
	}
	for _, o := range d.Options {
		all.Options = append(all.Options, alternative(o))
	}
	if d.Advice != nil {
		given := advice(*d.Advice)
		all.Advice = &given
	}
	for _, e := range d.Effects {
		all.Effects = append(all.Effects, effect{Kind: string(e.Kind), Object: e.Object})
	}
	return all
}
