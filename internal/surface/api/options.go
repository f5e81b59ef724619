package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/product/account"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
)

type span struct {
	P50     int64 `json:"p50" doc:"Half of all times at most this"`
	P80     int64 `json:"p80" doc:"Four times out of five at most this"`
	Ceiling int64 `json:"ceiling" doc:"Never more without you"`
}

type quote struct {
	Tokens  span `json:"tokens"`
	Nano    span `json:"amount_nano_usd" doc:"Billionths of a dollar; 0 where nothing costs anything"`
	Minutes span `json:"minutes" doc:"Of work, without waiting for you"`
	Builds  int  `json:"builds" doc:"On how many builds it rests; 0: a first estimate"`
}

type technical struct {
	Approach  string   `json:"approach"`
	Stack     string   `json:"stack" enum:"go,node,python,static"`
	TradeOffs []string `json:"trade_offs"`
}

type wayToBuild struct {
	ID               option.ID `json:"id"`
	Name             string    `json:"name"`
	WhatYouGet       []string  `json:"what_you_get"`
	WhatIsLeftOut    []string  `json:"what_is_left_out"`
	WhatCouldGoWrong []string  `json:"what_could_go_wrong"`
	Because          string    `json:"because" doc:"For whom it is the right way"`
	Technical        technical `json:"technical"`
	RiskLevel        string    `json:"risk_level" enum:"low,medium,high,not_examined"`
	ScopeCoverage    int       `json:"scope_coverage" minimum:"0" maximum:"100" doc:"Which per cent of the criteria in this version it does, rounded down"`
	Covers           []string  `json:"covers" doc:"The ids of those criteria"`
	Recommended      bool      `json:"recommended"`
	Quote            *quote    `json:"quote,omitempty" doc:"Left out when it cannot be told; see unpriced"`
	NeedsConfirm     string    `json:"needs_confirm" doc:"Why building this needs confirm; empty: it does not"`
}

type comparedLine struct {
	Text    string `json:"text"`
	Differs bool   `json:"differs" doc:"Another option does not say it"`
}

type comparedRow struct {
	Key     string           `json:"key"`
	Title   string           `json:"title"`
	Differs bool             `json:"differs"`
	Lines   [][]comparedLine `json:"lines" doc:"Of each option, in the order of options"`
}

type buildOrder struct {
	ID         option.OrderID     `json:"id"`
	Option     option.ID          `json:"option"`
	Decision   journey.DecisionID `json:"decision" doc:"Which chose the option"`
	Scope      int                `json:"scope" doc:"The version that was confirmed"`
	Ceiling    int64              `json:"ceiling_nano_usd"`
	OnQuestion string             `json:"on_question" enum:"wait,decide"`
	AtLimit    string             `json:"at_limit" enum:"ask,stop"`
	Tell       string             `json:"tell" enum:"page,mail"`
	Run        string             `json:"run"`
	State      string             `json:"state" enum:"queued,running,waiting,paused,done,failed,ended"`
	Quote      quote              `json:"quote" doc:"As it was shown"`
	OrderedBy  account.UserID     `json:"ordered_by"`
	OrderedAt  time.Time          `json:"ordered_at"`
}

type waysToBuild struct {
	State       string        `json:"state" enum:"not_asked,writing,written,failed" doc:"Of what is worked out now; what is in force stays until then"`
	Reason      string        `json:"reason" doc:"While failed, in plain words"`
	Trouble     string        `json:"trouble" doc:"What is waited for while the work goes on by itself"`
	Number      int           `json:"number" doc:"Of the set in force; 0: none was worked out yet"`
	Options     []wayToBuild  `json:"options" doc:"In force, the recommended one first"`
	OnlyOne     string        `json:"only_one" doc:"Why a comparison holds one option only"`
	Brief       int           `json:"brief" doc:"The versions it was made from"`
	Scope       int           `json:"scope"`
	Stale       bool          `json:"stale" doc:"Brief or scope have changed since"`
	Chosen      *option.ID    `json:"chosen" doc:"Null: none of these was decided on"`
	Unpriced    string        `json:"unpriced" doc:"Why there are no quotes"`
	Left        *int64        `json:"left_nano_usd" doc:"What may still be spent; null: no limit stops it"`
	LimitsSet   bool          `json:"limits_set" doc:"False: nothing that costs money can start"`
	Differences []comparedRow `json:"differences" doc:"The options side by side"`
	Order       *buildOrder   `json:"order,omitempty" doc:"The last build that was asked for"`
}

type waysOut struct{ Body waysToBuild }

type feedbackIn struct {
	Project string `path:"project"`
	Body    struct {
		Feedback string `json:"feedback" minLength:"1" maxLength:"20000" doc:"What is to be different"`
		Compare  bool   `json:"compare,omitempty" doc:"Two or three to choose from"`
	}
}

type optionChoiceIn struct {
	Project string `path:"project"`
	Option  string `path:"option"`
	Body    struct {
		Key     string `json:"key,omitempty" maxLength:"200" doc:"Choosing again with the same key and words, however late, changes nothing"`
		Because string `json:"because,omitempty" maxLength:"20000"`
	}
}

type buildThis struct {
	Key        string `json:"key,omitempty" maxLength:"180" doc:"The same again with the same key, however late, changes nothing"`
	Option     string `json:"option" doc:"One of those in force"`
	Ceiling    int64  `json:"ceiling_nano_usd" minimum:"0" doc:"As the quote says, or what you are ready to spend; 0 where nothing costs anything"`
	OnQuestion string `json:"on_question" enum:"wait,decide" doc:"What to do with a question while you are away"`
	AtLimit    string `json:"at_limit" enum:"ask,stop" doc:"What to do at the ceiling: pause and ask, or end with what works by then"`
	Tell       string `json:"tell" enum:"page,mail" doc:"How you hear of it"`
	Confirm    string `json:"confirm,omitempty" maxLength:"180" doc:"The words that 409 confirm_needed asks for"`
	Because    string `json:"because,omitempty" maxLength:"20000"`
}

type buildThisIn struct {
	Project string `path:"project"`
	Body    buildThis
}

type orderOut struct{ Body buildOrder }

func (a *api) options() {
	const at = "/projects/{project}/options"
	register(a, operation{
		id: "get-options", method: http.MethodGet, path: at, tag: tagOptions, access: member,
		summary: "Get the ways to build, what each takes, and how they differ",
		notes:   "One is worked out with each page that is written. Quotes are by the prices in force and the builds on record.",
	}, a.getOptions)
	register(a, operation{
		id: "refresh-options", method: http.MethodPost, path: at + "/refresh", tag: tagOptions, access: member, status: http.StatusAccepted,
		summary: "Work out the way to build again: after a change of the page, or a failure",
	}, a.askOptions(option.Wanted{}))
	register(a, operation{
		id: "compare-options", method: http.MethodPost, path: at + "/compare", tag: tagOptions, access: member, status: http.StatusAccepted,
		summary: "Work out two or three ways to build",
	}, a.askOptions(option.Wanted{Compare: true}))
	register(a, operation{
		id: "regenerate-options", method: http.MethodPost, path: at + "/regenerate", tag: tagOptions, access: member, status: http.StatusAccepted,
		summary: "Work them out again with what you say about those that are there",
	}, a.regenerateOptions)
	register(a, operation{
		id: "choose-option", method: http.MethodPost, path: at + "/{option}/choose", tag: tagOptions, access: member,
		summary: "Decide on a way to build, without building it yet",
		notes:   "It is a decision of the kind option. 409 refresh_first: the page has changed since.",
	}, a.chooseOption)
	register(a, operation{
		id: "build-this", method: http.MethodPost, path: "/projects/{project}/build-this", tag: tagOptions, access: member, status: http.StatusAccepted, pays: true,
		summary: "Build this: decide the direction, confirm the scope, choose the option and start the build",
		notes: "All of it or nothing. The ceiling becomes the limit of the build, which waits in line until it is its turn. " +
			"409 says in the field see where to look: refresh_first, being_written, page_being_written, options_needed, build_running, price_changed, direction_open, option_open, project_parked. " +
			"409 confirm_needed names in the field confirm what to say where more than half of what is left could be spent.",
	}, a.buildThis)
}

func (a *api) getOptions(ctx context.Context, actor account.Actor, in *projectPath) (*waysOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	return ways(a.cfg.Options.Get(ctx, actor, id))
}

// askOptions makes an operation of asking for options.
func (a *api) askOptions(want option.Wanted) func(context.Context, account.Actor, *projectPath) (*waysOut, error) {
	return func(ctx context.Context, actor account.Actor, in *projectPath) (*waysOut, error) {
		id, err := parse[project.ID](in.Project)
		if err != nil {
			return nil, err
		}
		return ways(a.cfg.Options.Ask(ctx, actor, id, want))
	}
}

func (a *api) regenerateOptions(ctx context.Context, actor account.Actor, in *feedbackIn) (*waysOut, error) {
	return a.askOptions(option.Wanted{Compare: in.Body.Compare, Feedback: in.Body.Feedback})(ctx, actor, &projectPath{Project: in.Project})
}

func (a *api) chooseOption(ctx context.Context, actor account.Actor, in *optionChoiceIn) (*waysOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	which, err := parse[option.ID](in.Option)
	if err != nil {
		return nil, err
	}
	return ways(a.cfg.Options.Choose(ctx, actor, id, which, keyed(in.Body.Key), in.Body.Because))
}

func (a *api) buildThis(ctx context.Context, actor account.Actor, in *buildThisIn) (*orderOut, error) {
	id, err := parse[project.ID](in.Project)
	if err != nil {
		return nil, err
	}
	b := in.Body
	order, err := a.cfg.Options.BuildThis(ctx, actor, id, option.Build{
		Key: keyed(b.Key), Option: option.ID(b.Option), Ceiling: meter.NanoUSD(b.Ceiling), Confirm: b.Confirm, Because: b.Because,
		Choices: option.Choices{OnQuestion: option.OnQuestion(b.OnQuestion), AtLimit: option.AtLimit(b.AtLimit), Tell: option.Tell(b.Tell)},
	})
	if err != nil {
		return nil, err
	}
	return &orderOut{Body: shapeOrder(order)}, nil
}

func ways(set option.Set, err error) (*waysOut, error) {
	if err != nil {
		return nil, err
	}
	return &waysOut{Body: shapeWays(set)}, nil
}

func shapeWays(s option.Set) waysToBuild {
	all := waysToBuild{
		State: string(s.State), Reason: s.Reason, Trouble: s.Trouble, Number: s.Number, Options: []wayToBuild{}, OnlyOne: s.OnlyOne,
		Brief: s.Brief, Scope: s.Scope, Stale: s.Stale, Chosen: orNull(s.Chosen), Unpriced: s.Unpriced, LimitsSet: s.Left.Set, Differences: []comparedRow{},
	}
	if s.Left.Nano != nil {
		left := int64(*s.Left.Nano)
		all.Left = &left
	}
	for _, o := range s.Options {
		all.Options = append(all.Options, shapeWay(o))
	}
	if len(s.Options) > 0 {
		for _, r := range option.Compare(s.Options) {
			all.Differences = append(all.Differences, shapeRow(r))
		}
	}
	if s.Order != nil {
		order := shapeOrder(*s.Order)
		all.Order = &order
	}
	return all
}

func shapeWay(o option.Option) wayToBuild {
	w := wayToBuild{
		ID: o.ID, Name: o.Name, WhatYouGet: o.WhatYouGet, WhatIsLeftOut: o.WhatIsLeftOut, WhatCouldGoWrong: o.WhatCouldGoWrong, Because: o.Because,
		Technical: technical{Approach: o.Technical.Approach, Stack: string(o.Technical.Stack), TradeOffs: o.Technical.TradeOffs},
		RiskLevel: string(o.Risk), ScopeCoverage: o.Coverage, Covers: o.Covers, Recommended: o.Recommended, NeedsConfirm: o.Tight,
	}
	if o.Quote != nil {
		q := shapeQuote(*o.Quote)
		w.Quote = &q
	}
	return w
}

func shapeRow(r option.Row) comparedRow {
	row := comparedRow{Key: r.Key, Title: r.Title, Differs: r.Differs, Lines: [][]comparedLine{}}
	for _, lines := range r.Lines {
		of := []comparedLine{}
		for _, l := range lines {
			of = append(of, comparedLine(l))
		}
		row.Lines = append(row.Lines, of)
	}
	return row
}

func shapeQuote(q option.Quote) quote {
	return quote{Tokens: span(q.Tokens), Nano: span(q.Nano), Minutes: span(q.Minutes), Builds: q.Builds}
}

func shapeOrder(o option.Order) buildOrder {
	return buildOrder{
		ID: o.ID, Option: o.Option, Decision: o.Decision, Scope: o.Scope, Ceiling: int64(o.Ceiling), OnQuestion: string(o.OnQuestion),
		AtLimit: string(o.AtLimit), Tell: string(o.Tell), Run: string(o.Run), State: string(o.State), Quote: shapeQuote(o.Quote),
		OrderedBy: o.By, OrderedAt: o.At,
	}
}
