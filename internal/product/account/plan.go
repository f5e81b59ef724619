package account

// PlanID names a plan. The texts are stored and in the API.
type PlanID string

// The plans (SPEC 8). SelfHosted is the default: the team's own key pays, within
// limits of its own.
const (
	Bootstrapper PlanID = "bootstrapper"
	Partner      PlanID = "partner"
	CTOScale     PlanID = "cto_scale"
	SelfHosted   PlanID = "self_hosted"
)

// Swap is what a plan changes about which class of model does a task. Tasks of the
// small class stay small on every plan.
type Swap string

// The swaps.
const (
	AsDesigned      Swap = ""
	StandardForBest Swap = "standard_for_best" // standard in place of best
	BestForStandard Swap = "best_for_standard" // best in place of standard
)

// daysOfMonth is how many shares of a day a plan's month holds, however long the month.
const daysOfMonth = 30

// Plan is what a plan sells: capacity and models, never depth or exports.
type Plan struct {
	ID PlanID
	// MonthCents and YearCents are the price in US cents; 0 with SelfHosted.
	MonthCents, YearCents int
	Projects              int // active at once; 0: no limit
	// DayShare is the allowance of a day in weighed tokens (package meter): pacing,
	// not a limit. 0: the team's own limits hold.
	DayShare int64
	Models   Swap
	// Runs is how many runs of one user go on at once; 0: what the machine bears.
	Runs int
	// Builds is how many builds of a day start that day, the rest waits for the
	// next; 0: all.
	Builds int
}

// MonthShare is the allowance of a month in weighed tokens.
func (p Plan) MonthShare() int64 { return daysOfMonth * p.DayShare }

// Plans lists the plans, smallest first, self_hosted last.
func Plans() []Plan {
	return []Plan{
		{ID: Bootstrapper, MonthCents: 99_00, YearCents: 948_00, Projects: 3, DayShare: 500_000, Models: StandardForBest, Runs: 2, Builds: 5},
		{ID: Partner, MonthCents: 299_00, YearCents: 2_868_00, Projects: 3, DayShare: 2_000_000, Runs: 3, Builds: 50},
		{ID: CTOScale, MonthCents: 999_00, YearCents: 9_588_00, DayShare: 10_000_000, Models: BestForStandard, Runs: 10, Builds: 200},
		{ID: SelfHosted},
	}
}

// PlanOf returns the plan with an id, and whether there is one.
func PlanOf(id PlanID) (Plan, bool) {
	for _, p := range Plans() {
		if p.ID == id {
			return p, true
		}
	}
	return Plan{}, false
}
