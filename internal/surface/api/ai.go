package api

import (
	"context"
	"net/http"
	"time"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/product/account"
	"cofounder/internal/product/meter"
)

// connection is how the workspace reaches an AI. Without one, connected is false and
// the rest empty.
type connection struct {
	Connected bool            `json:"connected"`
	Preset    meter.PresetID  `json:"preset"`
	Name      string          `json:"name"`
	BaseURL   string          `json:"base_url"`
	Auth      llm.AuthStyle   `json:"auth"`
	HasKey    bool            `json:"has_key" doc:"The key itself is never told"`
	Best      string          `json:"best" doc:"Model for planning and reviews"`
	Standard  string          `json:"standard" doc:"Model for writing code, questions and documents"`
	Small     string          `json:"small" doc:"Model for names and other small things"`
	RateCard  string          `json:"rate_card" doc:"The price list; free: its models cost nothing"`
	SavedAt   *time.Time      `json:"saved_at"`
	Tests     []connectedTest `json:"tests" doc:"The last test at this address, or none"`
}

// connectedTest is how a test went.
type connectedTest struct {
	At         time.Time `json:"at"`
	OK         bool      `json:"ok"`
	Code       string    `json:"code" doc:"What did not work; empty when all did"`
	Trouble    string    `json:"trouble" doc:"The same in plain words"`
	Asked      string    `json:"asked_model"`
	Answered   string    `json:"answered_by_model"`
	TookMS     int64     `json:"took_ms"`
	Structured bool      `json:"structured_output"`
	Counts     bool      `json:"counts_tokens"`
	Images     bool      `json:"reads_images"`
	Missing    []string  `json:"missing_models" doc:"Chosen, but not on the server's list"`
	Ending     []string  `json:"ending_models" doc:"Chosen, and called deprecated or retired by the server"`
	Low        *int64    `json:"first_version_low_nano_usd" doc:"First estimate, based on no builds yet; null: not known"`
	High       *int64    `json:"first_version_high_nano_usd"`
}

type connectionDraft struct {
	Preset   meter.PresetID `json:"preset" enum:"anthropic,ollama,llama_cpp,vllm,lm_studio,openrouter,bedrock,other,installation" doc:"Fills in whatever is left out; installation is the operator's key, where it serves this workspace"`
	Name     string         `json:"name,omitempty" maxLength:"80"`
	BaseURL  string         `json:"base_url,omitempty" maxLength:"500"`
	Auth     llm.AuthStyle  `json:"auth,omitempty" doc:"x-api-key, bearer or none"`
	Key      string         `json:"key,omitempty" maxLength:"500" doc:"Left out: the present key stays, where the address does"`
	Best     string         `json:"best,omitempty" maxLength:"200"`
	Standard string         `json:"standard,omitempty" maxLength:"200"`
	Small    string         `json:"small,omitempty" maxLength:"200"`
	RateCard string         `json:"rate_card,omitempty" maxLength:"80"`
}

type connectionIn struct{ Body connectionDraft }

type connectionOut struct{ Body connection }

func (a *api) ai() {
	register(a, operation{
		id: "get-ai-connection", method: http.MethodGet, path: "/ai/connection", tag: tagMoney, access: member,
		summary: "Tell how the workspace reaches an AI",
	}, a.getConnection)
	register(a, operation{
		id: "set-ai-connection", method: http.MethodPut, path: "/ai/connection", tag: tagMoney, access: member,
		summary: "Connect an AI",
		notes:   "Owners only, in a session that was opened a moment ago; never with an access key. Nothing is sent to it before limits are set. A key stays with the address it was entered for.",
	}, a.setConnection)
	register(a, operation{
		id: "remove-ai-connection", method: http.MethodDelete, path: "/ai/connection", tag: tagMoney, access: member,
		summary: "Disconnect the AI and forget its key",
		notes:   "Owners only, in a session that was opened a moment ago; never with an access key.",
	}, a.removeConnection)
	register(a, operation{
		id: "test-ai-connection", method: http.MethodPost, path: "/ai/connection/test", tag: tagMoney, access: member, pays: true,
		summary: "Try the AI out with one paid call",
		notes:   "Owners only. The call counts against the limits, in the run probe. 402 while no limits are set.",
	}, a.testConnection)
}

func (a *api) getConnection(ctx context.Context, actor account.Actor, _ *nothing) (*connectionOut, error) {
	c, err := a.cfg.Connections.Get(ctx, actor)
	if meter.NotConnected(err) {
		return &connectionOut{Body: connection{Tests: []connectedTest{}}}, nil
	}
	return connectionAnswer(c, err)
}

func (a *api) setConnection(ctx context.Context, actor account.Actor, in *connectionIn) (*connectionOut, error) {
	d := in.Body
	return connectionAnswer(a.cfg.Connections.Save(ctx, a.cfg.Model, actor, meter.Draft{
		Preset: d.Preset, Name: d.Name, BaseURL: d.BaseURL, Auth: d.Auth, Key: config.NewSecret(d.Key), RateCard: d.RateCard,
		Models: map[llm.Class]string{llm.Best: d.Best, llm.Standard: d.Standard, llm.Small: d.Small},
	}))
}

func (a *api) removeConnection(ctx context.Context, actor account.Actor, _ *nothing) (*nothing, error) {
	return &nothing{}, a.cfg.Connections.Disconnect(ctx, actor)
}

func (a *api) testConnection(ctx context.Context, actor account.Actor, _ *nothing) (*connectionOut, error) {
	if _, err := a.cfg.Connections.Try(ctx, a.cfg.Model, actor); err != nil {
		return nil, err
	}
	return connectionAnswer(a.cfg.Connections.Get(ctx, actor))
}

func connectionAnswer(c meter.Connected, err error) (*connectionOut, error) {
	if err != nil {
		return nil, err
	}
	out := connection{
		Connected: true, Preset: c.Preset, Name: c.Name, BaseURL: c.BaseURL, Auth: c.Auth, HasKey: c.HasKey, RateCard: c.RateCard,
		Best: c.Models[llm.Best], Standard: c.Models[llm.Standard], Small: c.Models[llm.Small], SavedAt: &c.SavedAt, Tests: []connectedTest{},
	}
	if c.Test != nil {
		out.Tests = append(out.Tests, testAnswer(*c.Test))
	}
	return &connectionOut{Body: out}, nil
}

func testAnswer(t meter.Test) connectedTest {
	out := connectedTest{
		At: t.At.UTC(), OK: t.Worked(), Code: t.Code, Trouble: t.Trouble, Asked: t.Asked, Answered: t.Model, TookMS: t.TookMS,
		Structured: t.Structured, Counts: t.Counts, Images: t.Images, Missing: append([]string{}, t.Missing...), Ending: append([]string{}, t.Ending...),
	}
	if t.Estimate.Known {
		low, high := int64(t.Estimate.Low), int64(t.Estimate.High)
		out.Low, out.High = &low, &high
	}
	return out
}
