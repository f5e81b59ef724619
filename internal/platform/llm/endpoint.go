package llm

import "cofounder/internal/platform/config"

// Class is how much thinking a task is worth. An endpoint says which model stands
// for it.
type Class string

// The classes, dearest first.
const (
	Best     Class = "best"
	Standard Class = "standard"
	Small    Class = "small"
)

// AuthStyle is how an endpoint wants to be shown the key.
type AuthStyle string

// The styles. Servers differ in which they accept; the real API refuses both at
// once.
const (
	KeyHeader AuthStyle = "x-api-key"
	Bearer    AuthStyle = "bearer"
	NoAuth    AuthStyle = "none"
)

// Endpoint is a server that speaks the Messages API, and how to speak to it.
type Endpoint struct {
	Name    string // for people, logs and metrics; no secret in it
	BaseURL string // without /v1
	Auth    AuthStyle
	Key     config.Secret
	Models  map[Class]string
	// RateCard names the price list its models are on; meter knows what is on it.
	RateCard string
	// Lenient accepts an answer with a stop reason whose stream ended without
	// message_stop, as some gateways legally do.
	Lenient bool
	// Known is what a probe found out, by model. It goes before what the endpoint
	// says of itself.
	Known map[string]Capabilities
}

// Effort is how much a model should put into an answer. Changing it inside a
// conversation restarts the cache. The zero Effort leaves it to the model.
type Effort string

// The efforts, least first.
const (
	LowEffort    Effort = "low"
	MediumEffort Effort = "medium"
	HighEffort   Effort = "high"
	ExtraEffort  Effort = "xhigh"
	MaxEffort    Effort = "max"
)

// Capabilities say what one model at one endpoint does with a request. What is not
// supported is left out of requests or, for a schema, asked for in words.
type Capabilities struct {
	StructuredOutput bool     `json:"structured_output"` // output_config.format is honoured
	CountTokens      bool     `json:"count_tokens"`
	CacheControl     bool     `json:"cache_control"` // also at the top level of a request
	Tools            bool     `json:"tools"`
	Images           bool     `json:"images"`
	Efforts          []Effort `json:"efforts,omitempty"`    // accepted values; none: the field is left out
	MaxInput         Tokens   `json:"max_input,omitempty"`  // 0: not said
	MaxOutput        Tokens   `json:"max_output,omitempty"` // 0: not said
	// Source says where this is from: probe, endpoint, built_in or assumed.
	Source CapabilitySource `json:"source"`
}

// CapabilitySource is where capabilities are known from.
type CapabilitySource string

// The sources, best first.
const (
	FromProbe    CapabilitySource = "probe"    // tried
	FromEndpoint CapabilitySource = "endpoint" // its models endpoint says so
	BuiltIn      CapabilitySource = "built_in" // a model this program was made with
	Assumed      CapabilitySource = "assumed"  // nothing known: the least
)
