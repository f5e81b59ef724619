package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"

	"github.com/danielgtaylor/huma/v2"
)

// stageName is a stage as the API says it.
type stageName string

// Schema implements huma.SchemaProvider.
func (stageName) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, stage := range journey.Stages() {
		s.Enum = append(s.Enum, stage.String())
	}
	return s
}

type reached struct {
	Fact   string     `json:"fact"`
	Weight int        `json:"weight"`
	At     *time.Time `json:"at" doc:"Since when it holds; null while it does not"`
}

type stageProgress struct {
	Stage      stageName `json:"stage"`
	Percent    int       `json:"percent" doc:"100 × weight done ÷ weight of all, rounded down"`
	Milestones []reached `json:"milestones"`
}

type block struct {
	Code     string              `json:"code" doc:"project_deleted, project_parked, direction_open, direction_needed, option_needed"`
	Reason   string              `json:"reason"`
	Decision *journey.DecisionID `json:"decision" doc:"The decision that lifts it, if one is open"`
}

type journeyWhole struct {
	Stage     stageName       `json:"stage"`
	EnteredAt *time.Time      `json:"entered_at"`
	Percent   int             `json:"percent" doc:"Of the whole way"`
	Stages    []stageProgress `json:"stages"`
	Open      []decisionWhole `json:"open" doc:"Decisions that wait, oldest first"`
	Block     *block          `json:"block,omitempty" doc:"Why a build cannot start now; left out when it can"`
}

type journeyOut struct{ Body journeyWhole }

type moveIn struct {
	Project string `path:"project"`
	Body    struct {
		Stage stageName `json:"stage"`
	}
}

type move struct {
	At          time.Time      `json:"at"`
	From        stageName      `json:"from"`
	To          stageName      `json:"to"`
	Actor       account.UserID `json:"actor"`
	Cause       string         `json:"cause" enum:"decision,brief,version,founder"`
	Object      string         `json:"object" doc:"The decision, document or version that caused it"`
	Correlation string         `json:"correlation" doc:"Shared by all that one act caused"`
}

func (a *api) journey() {
	register(a, operation{
		id: "get-journey", method: http.MethodGet, path: "/projects/{project}/journey", tag: tagJourney, access: member,
		summary: "Tell where a project is: stage, milestones, open decisions, and what blocks a build",
	}, a.getJourney)
	register(a, operation{
		id: "move-project", method: http.MethodPut, path: "/projects/{project}/stage", tag: tagJourney, access: member,
		summary: "Move a project to another stage",
		notes: "Back is always possible. Forward needs the facts of every stage on the way: 409 brief_needed, direction_needed, version_needed, next_step_needed. " +
			"Before that: 409 project_parked, stage_closed, stage_locked, same_stage.",
	}, a.moveProject)
	register(a, operation{
		id: "list-moves", method: http.MethodGet, path: "/projects/{project}/moves", tag: tagJourney, access: member,
		summary: "List every move between stages, the first one first",
	}, a.listMoves)
}

func (a *api) getJourney(ctx context.Context, actor account.Actor, in *projectPath) (*journeyOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	j, err := a.cfg.Journeys.Get(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	return &journeyOut{Body: shapeJourney(j)}, nil
}

func (a *api) moveProject(ctx context.Context, actor account.Actor, in *moveIn) (*journeyOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	to, ok := journey.ParseStage(string(in.Body.Stage))
	if !ok {
		return nil, fault.OnField("stage", "There is no such stage.")
	}
	j, err := a.cfg.Journeys.MoveTo(ctx, actor, id, to, httpd.RequestID(ctx))
	if err != nil {
		return nil, err
	}
	return &journeyOut{Body: shapeJourney(j)}, nil
}

func (a *api) listMoves(ctx context.Context, actor account.Actor, in *projectPath) (*pageOut[move], error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	all, err := a.cfg.Journeys.Moves(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	return listed(all, "", func(m journey.Move) move {
		return move{
			At: m.At, From: stageName(m.From.String()), To: stageName(m.To.String()), Actor: m.Actor,
			Cause: string(m.Cause), Object: m.Object, Correlation: m.Correlation,
		}
	}), nil
}

func shapeJourney(j journey.Journey) journeyWhole {
	all := journeyWhole{
		Stage: stageName(j.Stage.String()), EnteredAt: j.EnteredAt, Percent: j.Percent,
		Stages: []stageProgress{}, Open: []decisionWhole{},
	}
	for _, s := range j.Stages {
		one := stageProgress{Stage: stageName(s.Stage.String()), Percent: s.Percent, Milestones: []reached{}}
		for _, m := range s.Milestones {
			one.Milestones = append(one.Milestones, reached(m))
		}
		all.Stages = append(all.Stages, one)
	}
	for _, d := range j.Open {
		all.Open = append(all.Open, shapeDecision(d))
	}
	if j.Block != nil {
		all.Block = &block{Code: j.Block.Code, Reason: j.Block.Reason, Decision: orNull(j.Block.Decision)}
	}
	return all
}

// orNull returns a pointer to v, or nil when it is empty.
func orNull[T comparable](v T) *T {
	var empty T
	if v == empty {
		return nil
	}
	return &v
}
