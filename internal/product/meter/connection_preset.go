package meter

import (
	"maps"
	"slices"

	"cofounder/internal/platform/llm"
)

// PresetID names a kind of server. The texts are stored and in the API.
type PresetID string

// The presets.
const (
	Anthropic    PresetID = "anthropic"
	Ollama       PresetID = "ollama"
	LlamaCPP     PresetID = "llama_cpp"
	VLLM         PresetID = "vllm"
	LMStudio     PresetID = "lm_studio"
	OpenRouter   PresetID = "openrouter"
	Bedrock      PresetID = "bedrock"
	OtherServer  PresetID = "other"
	Installation PresetID = "installation" // the operator's own key
)

// Preset is what is filled in for a kind of server; everything but a fixed address
// can be changed.
type Preset struct {
	ID       PresetID
	Name     string
	BaseURL  string
	Auth     llm.AuthStyle
	Models   map[llm.Class]string // empty texts where only the owner knows them
	RateCard string
	// Says is what to know about such a server, in a sentence.
	Says string
	// Fixed presets keep their address, their way to show the key, and their price list:
	// a paid provider cannot be called free by mistake.
	Fixed bool
}

// Presets lists what can be chosen, the one the product is made for first. The
// operator's key is not among them: Connections.Offered says whether it can be.
func Presets() []Preset {
	return []Preset{
		{
			ID: Anthropic, Name: "Anthropic", BaseURL: "https://api.anthropic.com", Auth: llm.KeyHeader, Models: DefaultModels(),
			RateCard: AnthropicCard, Fixed: true, Says: "Claude, from the company that makes it. This is what I am made for and tested with.",
		},
		{
			ID: Ollama, Name: "Ollama", BaseURL: "http://localhost:11434", Auth: llm.NoAuth, Models: unnamed(), RateCard: FreeOfCharge,
			Says: "Models on a computer of your own. Nothing is paid; small models understand less and make more mistakes.",
		},
		{
			ID: LlamaCPP, Name: "llama.cpp", BaseURL: "http://localhost:8081", Auth: llm.NoAuth, Models: unnamed(), RateCard: FreeOfCharge,
			Says: "llama-server on a computer of your own. Start it with --port 8081, since 8080 is mine.",
		},
		{
			ID: VLLM, Name: "vLLM", BaseURL: "http://localhost:8000", Auth: llm.NoAuth, Models: unnamed(), RateCard: FreeOfCharge,
			Says: "A server for models on machines of your own.",
		},
		{
			ID: LMStudio, Name: "LM Studio", BaseURL: "http://localhost:1234", Auth: llm.NoAuth, Models: unnamed(), RateCard: FreeOfCharge,
			Says: "Models on a computer of your own. Start its server first.",
		},
		{
			ID: OpenRouter, Name: "OpenRouter", BaseURL: "https://openrouter.ai/api", Auth: llm.Bearer, Models: unnamed(), RateCard: AnthropicCard,
			Fixed: true, Says: "Many providers behind one key. I use only models whose price I know; the price list of this installation says which.",
		},
		{ // the region in the address is the founder's to choose
			ID: Bedrock, Name: "Amazon Bedrock", BaseURL: "https://bedrock-mantle.us-east-1.api.aws/anthropic", Auth: llm.Bearer,
			Models: map[llm.Class]string{
				llm.Best: "anthropic.claude-opus-5-5", llm.Standard: "anthropic.claude-sonnet-5-5", llm.Small: "anthropic.claude-haiku-5-5",
			},
			RateCard: AnthropicCard,
			Says:     "Claude in an AWS account, by an Amazon Bedrock API key. Put your region into the address. I use only models whose price I know; the price list of this installation says which.",
		},
		{
			ID: OtherServer, Name: "Another server", Auth: llm.KeyHeader, Models: unnamed(), RateCard: AnthropicCard,
			Says: "Any server that speaks the Messages API.",
		},
	}
}

// OperatorPreset is the operator's key as a preset, for teams it is offered to.
func OperatorPreset() Preset {
	p := Presets()[0]
	p.ID, p.Name = Installation, "The key of this installation"
	p.Says = "Whoever runs this installation has given it a key of their own (ANTHROPIC_API_KEY)."
	return p
}

func unnamed() map[llm.Class]string {
	return map[llm.Class]string{llm.Best: "", llm.Standard: "", llm.Small: ""}
}

// presetOf returns a preset by its id.
func presetOf(id PresetID) (Preset, bool) {
	if id == Installation {
		return OperatorPreset(), true
	}
	all := Presets()
	i := slices.IndexFunc(all, func(p Preset) bool { return p.ID == id })
	if i < 0 {
		return Preset{}, false
	}
	return all[i], true
}

// rateCards lists the price lists a connection can name, FreeOfCharge last.
func (m *Model) rateCards() []string { return append(slices.Sorted(maps.Keys(m.cards)), FreeOfCharge) }
