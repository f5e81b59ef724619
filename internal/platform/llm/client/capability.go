package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"cofounder/internal/platform/llm"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// knowledge is what was learned about a model, and when.
type knowledge struct {
	caps  llm.Capabilities
	until time.Time
}

const (
	keep      = 24 * time.Hour   // what an endpoint says of a model
	keepGuess = 10 * time.Minute // until it is asked again
	asking    = 5 * time.Second  // it may take to answer
)

// Capabilities says what ep does with requests for model: what a probe found out,
// else what the endpoint says, else what this program was made with, else the least.
// It may ask the endpoint, which costs no money, and remembers for a day. It never
// fails: not knowing is an answer too.
func (c *Client) Capabilities(ctx context.Context, ep llm.Endpoint, model string) llm.Capabilities {
	if known, ok := ep.Known[model]; ok {
		return known
	}
	at := place{ep.BaseURL, model}
	c.mu.Lock()
	k, ok := c.known[at]
	c.mu.Unlock()
	now := c.clock.Now()
	if ok && now.Before(k.until) {
		return k.caps
	}
	k = knowledge{builtIn(ep, model), now.Add(keepGuess)}
	asked, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	if card, err := c.model(asked, ep, model); err == nil && card.Capabilities.Source == llm.FromEndpoint {
		k = knowledge{card.Capabilities, now.Add(keep)}
	}
	if ctx.Err() != nil {
		return k.caps // it was not asked
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= mostBreakers {
		clear(c.known)
	}
	c.known[at] = k
	return k.caps
}

// builtIn is known without asking. The API's own address has the models of its
// documents; of any other server the least is assumed, whatever it calls its models.
func builtIn(ep llm.Endpoint, model string) llm.Capabilities {
	u, err := url.Parse(ep.BaseURL)
	if err != nil || u.Hostname() != "api.anthropic.com" {
		return llm.Capabilities{Tools: true, Source: llm.Assumed}
	}
	caps := llm.Capabilities{
		StructuredOutput: true, CountTokens: true, CacheControl: true, Tools: true, Images: true,
		MaxInput: 1_000_000, MaxOutput: 128_000, Source: llm.BuiltIn,
	}
	if model == "claude-haiku-4-5" {
		caps.MaxInput, caps.MaxOutput = 200_000, 64_000
		return caps
	}
	caps.Efforts = []llm.Effort{llm.LowEffort, llm.MediumEffort, llm.HighEffort}
	return caps
}

// ModelCard is a model as an endpoint lists it.
type ModelCard struct {
	ID           string
	Ending       bool // the endpoint says that it is deprecated or retired
	Capabilities llm.Capabilities
}

// Models lists an endpoint's models, at most a thousand. It costs no money.
func (c *Client) Models(ctx context.Context, ep llm.Endpoint) ([]ModelCard, error) {
	const most = 1000
	w := &watch{}
	service := anthropic.NewModelService(c.options(ep)...)
	pages := service.ListAutoPaging(ctx, anthropic.ModelListParams{Limit: anthropic.Int(most)}, option.WithMiddleware(w.free))
	var cards []ModelCard
	for pages.Next() && len(cards) < most {
		cards = append(cards, card(pages.Current()))
	}
	if err := pages.Err(); err != nil {
		return nil, c.freeError(ctx, ep, "", w, err)
	}
	return cards, nil
}

func (c *Client) model(ctx context.Context, ep llm.Endpoint, id string) (ModelCard, error) {
	w := &watch{}
	service := anthropic.NewModelService(c.options(ep)...)
	m, err := service.Get(ctx, id, anthropic.ModelGetParams{}, option.WithMiddleware(w.free))
	if err != nil {
		return ModelCard{}, c.freeError(ctx, ep, id, w, err)
	}
	return card(*m), nil
}

// card reads what an endpoint says of a model. Without a tree of capabilities it says
// nothing.
func card(m anthropic.ModelInfo) ModelCard {
	ending := m.Lifecycle == anthropic.ModelInfoLifecycleDeprecated || m.Lifecycle == anthropic.ModelInfoLifecycleRetired
	out := ModelCard{ID: m.ID, Ending: ending, Capabilities: llm.Capabilities{Tools: true, Source: llm.Assumed}}
	if !m.JSON.Capabilities.Valid() {
		return out
	}
	out.Capabilities = llm.Capabilities{
		StructuredOutput: m.Capabilities.StructuredOutputs.Supported, CountTokens: true, CacheControl: true, Tools: true,
		Images: m.Capabilities.ImageInput.Supported, MaxInput: llm.Tokens(m.MaxInputTokens), MaxOutput: llm.Tokens(m.MaxTokens),
		Source: llm.FromEndpoint,
	}
	e := m.Capabilities.Effort
	for _, level := range []struct {
		effort llm.Effort
		has    bool
	}{
		{llm.LowEffort, e.Low.Supported},
		{llm.MediumEffort, e.Medium.Supported},
		{llm.HighEffort, e.High.Supported},
		{llm.ExtraEffort, e.Xhigh.Supported},
		{llm.MaxEffort, e.Max.Supported},
	} {
		if level.has {
			out.Capabilities.Efforts = append(out.Capabilities.Efforts, level.effort)
		}
	}
	return out
}

// errNoCount says that a server answered a question for tokens with no figure: some answer
// any address with 200 and words about what they lack.
var errNoCount = errors.New("no count of tokens")

func (c *Client) countTokens(ctx context.Context, ep llm.Endpoint, p prompt) (llm.Tokens, error) {
	w := &watch{}
	service := anthropic.NewMessageService(c.options(ep)...)
	n, err := service.CountTokens(ctx, anthropic.MessageCountTokensParams{Model: p.model},
		option.WithRequestBody("application/json", p.counting()), option.WithMiddleware(w.free))
	if err != nil {
		return 0, c.freeError(ctx, ep, p.model, w, err)
	}
	if n.InputTokens < 1 {
		return 0, errNoCount
	}
	return llm.Tokens(n.InputTokens), nil
}

// free is a middleware for requests that cost nothing and do not stream.
func (w *watch) free(r *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	res, err := next(r)
	if err != nil || res == nil {
		return res, err
	}
	w.status, w.header, w.requestID = res.StatusCode, res.Header, res.Header.Get("request-id")
	const tooMuch = 8 << 20
	limit(res, tooMuch)
	if res.StatusCode >= http.StatusMultipleChoices && res.StatusCode < http.StatusBadRequest {
		res.Body.Close()
		return nil, foreignError(llm.Redirected)
	}
	if res.StatusCode == http.StatusOK && !isType(res, "application/json") {
		res.Body.Close()
		return nil, foreignError(llm.NotMessages)
	}
	return res, nil
}

// freeError is what went wrong with a request that costs nothing.
func (c *Client) freeError(ctx context.Context, ep llm.Endpoint, model string, w *watch, err error) error {
	f := c.classify(ctx, ctx, &attempt{watch: w}, err)
	e := &llm.Error{
		Kind: f.kind, Reason: f.reason, Endpoint: ep.Name, Model: model, RequestID: w.requestID, Status: w.status, RetryAfter: f.comeBack(c.policy),
	}
	if f.cause != nil {
		e = e.Because(f.cause)
	}
	return e
}

// Sight is what can be seen of an endpoint without paying.
type Sight struct {
	Models      []ModelCard // nil where it has no list
	CountTokens bool
}

// Look reaches an endpoint by its free addresses only. No error means that something
// answers there and takes the key, or that it has no free address to find out by:
// then the Sight is empty. model, if not empty, is what tokens are counted for.
func (c *Client) Look(ctx context.Context, ep llm.Endpoint, model string) (Sight, error) {
	var s Sight
	var err error
	if s.Models, err = c.Models(ctx, ep); err != nil && !missing(err) {
		return Sight{}, fmt.Errorf("list models: %w", err)
	}
	if model == "" {
		return s, nil
	}
	_, err = c.countTokens(ctx, ep, newPrompt(llm.Request{Model: model, Turns: []llm.Turn{llm.User(llm.Text("Hello."))}}, llm.Capabilities{}))
	if err != nil && !missing(err) && !errors.Is(err, errNoCount) {
		return s, fmt.Errorf("count tokens: %w", err)
	}
	s.CountTokens = err == nil
	return s, nil
}

// missing reports whether a server lacks an address, which simple ones may.
func missing(err error) bool {
	e, ok := errors.AsType[*llm.Error](err)
	return ok && e.Reason == llm.NotMessages && slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed}, e.Status)
}
