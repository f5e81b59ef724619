package meter

import (
	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
)

// Role is what a model is asked to be. It decides which class of model is asked and
// how much it may answer. The texts are stored and in the API.
type Role string

// The roles. The handbook is the writer's; executor and verifier ask no model.
const (
	Architect      Role = "architect"
	Reviewer       Role = "reviewer"
	Coder          Role = "coder"
	Debugger       Role = "debugger"
	Interviewer    Role = "interviewer"
	Writer         Role = "writer"
	Relevance      Role = "relevance"
	Confidence     Role = "confidence"
	Names          Role = "names"
	CommitSubjects Role = "commit_subjects"
	Prober         Role = "prober" // the test of a connection, which names its model itself
)

// Output is how much a role may answer, thinking included.
type Output struct {
	MaxTokens llm.Tokens
	// Larger is allowed once more after an answer was cut; 0: it is not.
	Larger llm.Tokens
}

// lookUp returns what is fixed about a role, and whether there is such a role.
func (r Role) lookUp() (llm.Class, Output, bool) {
	switch r {
	case Architect:
		return llm.Best, Output{MaxTokens: 32_000}, true
	case Reviewer:
		return llm.Best, Output{MaxTokens: 16_000}, true
	case Coder:
		return llm.Standard, Output{MaxTokens: 24_000, Larger: 64_000}, true
	case Debugger:
		return llm.Standard, Output{MaxTokens: 24_000}, true
	case Interviewer, Writer:
		return llm.Standard, Output{MaxTokens: 16_000}, true
	case Relevance, Confidence, Names, CommitSubjects, Prober:
		return llm.Small, Output{MaxTokens: leastOutput}, true
	}
	return "", Output{}, false
}

// DefaultModels are the models of the provider the product is made for.
func DefaultModels() map[llm.Class]string {
	return map[llm.Class]string{llm.Best: "claude-opus-5-5", llm.Standard: "claude-sonnet-5-5", llm.Small: "claude-haiku-5-5"}
}

// Class returns the class of model that plays a role on this connection. An unknown
// role is a mistake of ours.
func (c Connection) Class(role Role) (llm.Class, error) {
	class, _, ok := role.lookUp()
	if !ok {
		return "", fault.Newf(fault.Internal, "unknown_role", "There is no role %q.", role)
	}
	if c.Payer == OnPlan {
		switch {
		case c.Swap == account.StandardForBest && class == llm.Best:
			return llm.Standard, nil
		case c.Swap == account.BestForStandard && class == llm.Standard:
			return llm.Best, nil
		}
	}
	return class, nil
}

// Model returns the model that plays a role on this connection. fault.Conflict with
// code no_model when the endpoint has none for it.
func (c Connection) Model(role Role) (string, error) {
	class, err := c.Class(role)
	if err != nil {
		return "", err
	}
	if m := c.Workspace[role]; m != "" && c.Payer == OwnKey {
		return m, nil
	}
	if m := c.Operator[role]; m != "" {
		return m, nil
	}
	if m := c.Endpoint.Models[class]; m != "" {
		return m, nil
	}
	return "", fault.Newf(fault.Conflict, "no_model", "No model is chosen for tasks of the class %q. Choose one where the AI is connected.", class)
}
