package client_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/client"
	"cofounder/internal/platform/llm/llmtest"
	"cofounder/internal/platform/llm/wire"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		auth        llm.AuthStyle
		key, bearer string
	}{
		{"as a header", llm.KeyHeader, "sk-test", ""},
		{"as bearer", llm.Bearer, "", "Bearer sk-test"},
		{"not at all", llm.NoAuth, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := llmtest.StartConfig(t, llmtest.Config{Key: "sk-test"})
			ep := srv.Endpoint()
			ep.Auth = c.auth
			_, _, err := newClient(t, client.Config{}).Call(t.Context(), ep, ask("Hi."), (&till{}).admit, nil)
			if (err == nil) != (c.auth != llm.NoAuth) {
				t.Errorf("error %v", err)
			}
			for _, call := range srv.All() {
				if got := call.Header.Get("X-Api-Key"); got != c.key {
					t.Errorf("%s: key %q, want %q", call.Path, got, c.key)
				}
				if got := call.Header.Get("Authorization"); got != c.bearer {
					t.Errorf("%s: authorization %q, want %q", call.Path, got, c.bearer)
				}
				if call.Header.Get("Idempotency-Key") != "" {
					t.Errorf("%s: sends a key the API does not know", call.Path)
				}
			}
		})
	}
}

// TestEnvironment sets everything the SDK would read and wants none of it used: not what
// the environment says, and not the tracing of this process, whose ids would tell
// servers of others' which requests belong together.
func TestEnvironment(t *testing.T) {
	provider, propagator := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(provider)
		otel.SetTextMapPropagator(propagator)
	})
	other := llmtest.StartConfig(t, llmtest.Config{})
	srv := llmtest.StartConfig(t, llmtest.Config{Key: "sk-test"})
	t.Setenv("ANTHROPIC_BASE_URL", other.URL)
	t.Setenv("ANTHROPIC_API_KEY", "sk-environment")
	t.Setenv("ANTHROPIC_AUTH_TOKEN", "token-environment")
	t.Setenv("ANTHROPIC_CUSTOM_HEADERS", "X-From-Environment: yes")
	c := newClient(t, client.Config{})
	if _, _, err := c.Call(t.Context(), srv.Endpoint(), ask("Hi."), (&till{}).admit, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Look(t.Context(), srv.Endpoint(), "claude-opus-5-5"); err != nil {
		t.Error(err)
	}
	for _, call := range srv.All() {
		if call.Header.Get("X-From-Environment") != "" || call.Header.Get("Authorization") != "" || call.Header.Get("Traceparent") != "" {
			t.Errorf("%s: %v", call.Path, call.Header)
		}
	}
	if n := len(other.All()); n != 0 {
		t.Errorf("%d requests went to the address in the environment", n)
	}
}

// TestRedirect wants the key to stay where it belongs, for every kind of request.
func TestRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := llmtest.StartConfig(t, llmtest.Config{})
	front := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/v1/messages", http.StatusTemporaryRedirect))
	t.Cleanup(front.Close)
	ep := elsewhere.Endpoint()
	ep.BaseURL = front.URL
	c := newClient(t, client.Config{})
	money := &till{}
	res, _, err := c.Call(t.Context(), ep, ask("Hi."), money.admit, nil)
	if got, want := shows(res, err, money), "rejected/redirected after 1: void"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := c.Look(t.Context(), ep, "claude-opus-5-5"); llm.KindOf(err) != llm.Rejected {
		t.Errorf("look: %v", err)
	}
	if n := len(elsewhere.All()); n != 0 {
		t.Errorf("%d requests followed the redirect", n)
	}
}

// TestBelowAPath is of gateways, and of Amazon Bedrock, whose models have names of their
// own and whose key is shown as bearer.
func TestBelowAPath(t *testing.T) {
	t.Parallel()
	models := wire.Family()
	for i := range models {
		models[i].ID = "anthropic." + models[i].ID
	}
	srv := llmtest.New(llmtest.Config{Models: models, Key: "bedrock-api-key-x"})
	front := httptest.NewServer(http.StripPrefix("/anthropic", srv))
	t.Cleanup(front.Close)
	ep := llm.Endpoint{BaseURL: front.URL + "/anthropic", Auth: llm.Bearer, Key: config.NewSecret("bedrock-api-key-x")}
	c := newClient(t, client.Config{})
	req := ask("Hi.")
	req.Model = models[0].ID
	if res, _, err := c.Call(t.Context(), ep, req, (&till{}).admit, nil); err != nil || res.Model != req.Model {
		t.Errorf("%v, answered by %q", err, res.Model)
	}
	if sight, err := c.Look(t.Context(), ep, req.Model); err != nil || !sight.CountTokens || len(sight.Models) != len(models) {
		t.Errorf("%v, %+v", err, sight)
	}
}

// TestAddresses are the mistakes people make when they type one.
func TestAddresses(t *testing.T) {
	t.Parallel()
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	tls.StartTLS()
	t.Cleanup(tls.Close)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>It works!</h1>") //nolint:errcheck // the client is gone
	}))
	t.Cleanup(page.Close)
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, c := range []struct{ name, url, want string }{
		{"no such host", "http://no-such-host.invalid", "unavailable/no_address after 1, later: void"},
		{"nobody listens", closed.URL, "unavailable/not_listening after 3, later: void void void"},
		{"a certificate nobody knows", tls.URL, "unavailable/bad_tls after 1: void"},
		{"https where there is none", strings.Replace(page.URL, "http:", "https:", 1), "unavailable/bad_tls after 1: void"},
		{"a web page", page.URL, "unreadable/not_messages_api after 1: void"},
		{"another server", other.URL, "rejected/not_messages_api after 1: void"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			money := &till{}
			ep := llm.Endpoint{Name: "theirs", BaseURL: c.url, Auth: llm.KeyHeader, Key: config.NewSecret("sk-test")}
			res, _, err := newClient(t, client.Config{}).Call(t.Context(), ep, ask("A secret."), money.admit, nil)
			if got := shows(res, err, money); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			checkQuiet(t, err)
		})
	}
}

func TestLenient(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, "turn\nsay Hello.\nfail eof_stopped")
	ep := srv.Endpoint()
	ep.Lenient = true
	money := &till{}
	res, bill, err := newClient(t, client.Config{}).Call(t.Context(), ep, ask("Hi."), money.admit, nil)
	if got, want := shows(res, err, money), "answer after 1"; got != want || bill.Outcome.State != llm.Settled {
		t.Errorf("got %s, want %s; %+v", got, want, bill.Outcome)
	}
}

// TestEstimates are what a broken or silent answer is accounted as.
func TestEstimates(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("All about dogs. ", 300)
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn\nsay "+long+"\nfail cut_stream\nturn\nsay x")
		money := &till{}
		if _, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), money.admit, nil); err != nil {
			t.Fatal(err)
		}
		u := money.outcomes[0].Usage
		if u.Known || u.Input != llm.Tokens(srv.Calls()[0].Request().Count()) || u.Output < 2000 || u.Output > 4096 {
			t.Errorf("usage %+v", u)
		}
	})
	t.Run("never above the reservation", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn\nsay "+long+"\nfail cut_stream\nturn\nsay x")
		money := &till{lower: 100}
		if _, _, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), money.admit, nil); err != nil {
			t.Fatal(err)
		}
		if u := money.outcomes[0].Usage; u.Output != 100 {
			t.Errorf("usage %+v", u)
		}
	})
	t.Run("without a figure", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.Start(t, "turn\nsay "+long+"\nfail no_usage")
		money := &till{}
		res, bill, err := newClient(t, client.Config{}).Call(t.Context(), srv.Endpoint(), ask("Hi."), money.admit, nil)
		if err != nil || res.Usage.Known {
			t.Fatalf("%v, %+v", err, res.Usage)
		}
		o := bill.Outcome
		if o.State != llm.Estimated || o.Usage.Known || o.Usage.Input != money.attempts[0].InputUpper || o.Usage.Output < llm.Tokens(len(long)/3) {
			t.Errorf("outcome %+v", o)
		}
	})
}

// TestUsageWithoutDetail is of servers that do not say how long what they cached is
// kept, or that say nothing new at the end.
func TestUsageWithoutDetail(t *testing.T) {
	t.Parallel()
	begin := func(usage string) string {
		return "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":" + usage + "}}\n\n" +
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"Hello.\"}}\n\n"
	}
	end := func(usage string) string {
		return "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":" + usage + "}\n\n" +
			"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
	}
	for _, c := range []struct {
		name, begin, end string
		ttl              llm.CacheTTL
		want             llm.Usage
	}{
		{"five minutes", `{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":7}`, `{"output_tokens":9}`, llm.FiveMinutes, llm.Usage{Input: 1, Output: 9, CacheWrite5m: 7, Known: true}},
		{"an hour", `{"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":7}`, `{"output_tokens":9}`, llm.Hour, llm.Usage{Input: 1, Output: 9, CacheWrite1h: 7, Known: true}},
		{"null at the end", `{"input_tokens":5,"output_tokens":1,"cache_read_input_tokens":3}`, `{"input_tokens":null,"cache_read_input_tokens":null,"output_tokens":9}`, llm.FiveMinutes, llm.Usage{Input: 5, Output: 9, CacheRead: 3, Known: true}},
		{"more at the end", `{"input_tokens":5,"output_tokens":1}`, `{"input_tokens":6,"output_tokens":9,"output_tokens_details":{"thinking_tokens":99}}`, llm.FiveMinutes, llm.Usage{Input: 6, Output: 9, Thinking: 9, Known: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ep := llm.Endpoint{BaseURL: "http://line", Known: map[string]llm.Capabilities{"claude-opus-5-5": {}}}
			req := ask("Hi.")
			req.Opening = llm.NewOpening(nil, llm.Text("You are kind.").Cached(c.ttl))
			res, _, err := newClient(t, client.Config{Transport: bytesLine(begin(c.begin) + end(c.end))}).Call(t.Context(), ep, req, (&till{}).admit, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, res.Usage); diff != "" || res.Text != "Hello." {
				t.Errorf("%q, usage (-want +got):\n%s", res.Text, diff)
			}
		})
	}
}

// TestSmallModel has less output than is asked for.
func TestSmallModel(t *testing.T) {
	t.Parallel()
	srv := llmtest.Start(t, "turn when \"max_tokens\":1000\nsay Hello there.\nfail length")
	ep := srv.Endpoint()
	ep.Known = map[string]llm.Capabilities{"claude-opus-5-5": {MaxOutput: 1000}}
	req := ask("Hi.")
	req.Larger = 64_000
	money := &till{}
	res, _, err := newClient(t, client.Config{}).Call(t.Context(), ep, req, money.admit, nil)
	if got, want := shows(res, err, money), "truncated after 1: settled"; got != want || money.attempts[0].MaxTokens != 1000 {
		t.Errorf("got %s, want %s; reserved %d", got, want, money.attempts[0].MaxTokens)
	}
}

// TestSimpleServer has no free address, no caching and no structured output.
func TestSimpleServer(t *testing.T) {
	t.Parallel()
	srv := llmtest.StartConfig(t, llmtest.Config{NoExtras: true, IgnoresFormat: true, Models: []wire.Model{{ID: "qwen", MaxInput: 8000, MaxOutput: 8000}}})
	c := newClient(t, client.Config{})
	req := ask("Hi.")
	req.Model, req.Effort, req.Schema = "qwen", llm.HighEffort, form()
	req.Opening = llm.NewOpening(nil, llm.Text("You name things."))
	money := &till{}
	_, _, err := c.Call(t.Context(), srv.Endpoint(), req, money.admit, nil)
	if llm.KindOf(err) != llm.Unreadable {
		t.Errorf("error %v", err)
	}
	q := srv.Calls()[0].Request()
	if q.OutputConfig.Effort != "" || q.OutputConfig.Format != nil || q.Cache != nil || !strings.Contains(q.SystemText(), `"additionalProperties":false`) ||
		!strings.HasPrefix(q.SystemText(), "You name things.") {
		t.Errorf("request %s", srv.Calls()[0].Body)
	}
	if n, err := money.attempts[0].Count(t.Context()); err != nil || n < llm.Tokens(len(srv.Calls()[0].Body)) {
		t.Errorf("counted %d, %v; want the bound by bytes", n, err)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	srv := llmtest.StartConfig(t, llmtest.Config{})
	c := newClient(t, client.Config{})
	for range 3 {
		caps := c.Capabilities(t.Context(), srv.Endpoint(), "claude-opus-5-5")
		if !caps.StructuredOutput || len(caps.Efforts) != 5 || caps.MaxInput != 1_000_000 || caps.Source != llm.FromEndpoint {
			t.Errorf("capabilities %+v", caps)
		}
	}
	if n := len(srv.All()); n != 1 {
		t.Errorf("asked %d times for one model", n)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	c.Capabilities(gone, srv.Endpoint(), "claude-haiku-5-5")
	if caps := c.Capabilities(t.Context(), srv.Endpoint(), "claude-haiku-5-5"); caps.Source != llm.FromEndpoint {
		t.Errorf("a question that was never put is remembered: %+v", caps)
	}
	ep := srv.Endpoint()
	ep.Known = map[string]llm.Capabilities{"claude-opus-5-5": {Source: llm.FromProbe}}
	if caps := c.Capabilities(t.Context(), ep, "claude-opus-5-5"); caps.Source != llm.FromProbe {
		t.Errorf("a probe does not go first: %+v", caps)
	}
	if caps := c.Capabilities(t.Context(), llm.Endpoint{BaseURL: "http://127.0.0.1:1"}, "claude-opus-5-5"); caps.StructuredOutput || caps.Source != llm.Assumed {
		t.Errorf("of a server nobody knows: %+v", caps)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		cfg     llmtest.Config
		honours bool
		counts  bool
		paid    bool
	}{
		{"holds to forms", llmtest.Config{}, true, true, true},
		{"ignores forms", llmtest.Config{IgnoresFormat: true}, false, true, false},
		{"has nothing free", llmtest.Config{NoExtras: true}, true, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := llmtest.StartConfig(t, c.cfg)
			money := &till{}
			got, bill, err := newClient(t, client.Config{}).Probe(t.Context(), srv.Endpoint(), "claude-sonnet-5-5", money.admit)
			if err != nil {
				t.Fatal(err)
			}
			if got.Capabilities.StructuredOutput != c.honours || got.Capabilities.CountTokens != c.counts || got.Capabilities.Source != llm.FromProbe ||
				got.Model != "claude-sonnet-5-5" || !got.Usage.Known {
				t.Errorf("findings %+v", got)
			}
			if len(money.attempts) != 1 || len(srv.Calls()) != 1 || (bill.Ticket != nil) != c.paid || len(money.outcomes) == 1 == c.paid {
				t.Errorf("%d attempts, %d failed, bill %+v", len(money.attempts), len(money.outcomes), bill)
			}
		})
	}
	t.Run("a wrong key", func(t *testing.T) {
		t.Parallel()
		srv := llmtest.StartConfig(t, llmtest.Config{Key: "another"})
		money := &till{}
		_, _, err := newClient(t, client.Config{}).Probe(t.Context(), srv.Endpoint(), "claude-sonnet-5-5", money.admit)
		if llm.KindOf(err) != llm.Unauthorised || len(money.attempts) != 0 {
			t.Errorf("error %v after %d paid attempts", err, len(money.attempts))
		}
	})
}

func TestLook(t *testing.T) {
	t.Parallel()
	srv := llmtest.StartConfig(t, llmtest.Config{})
	c := newClient(t, client.Config{})
	sight, err := c.Look(t.Context(), srv.Endpoint(), "claude-haiku-5-5")
	if err != nil || len(sight.Models) != 4 || !sight.CountTokens || sight.Models[0].ID != "claude-opus-5-5" || sight.Models[0].Ending {
		t.Errorf("sight %+v, error %v", sight, err)
	}
	simple := llmtest.StartConfig(t, llmtest.Config{NoExtras: true})
	if sight, err = c.Look(t.Context(), simple.Endpoint(), "claude-haiku-5-5"); err != nil || sight.Models != nil || sight.CountTokens {
		t.Errorf("simple: sight %+v, error %v", sight, err)
	}
	if n := len(srv.Calls()) + len(simple.Calls()); n != 0 {
		t.Errorf("%d paid requests", n)
	}
	// Some answer whatever they are asked with 200 and words about what they lack.
	polite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if _, err := io.WriteString(w, `{"error":"unexpected endpoint or method"}`); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(polite.Close)
	ep := srv.Endpoint()
	ep.BaseURL = polite.URL
	if sight, err = c.Look(t.Context(), ep, "claude-haiku-5-5"); err != nil || sight.CountTokens {
		t.Errorf("polite: sight %+v, error %v", sight, err)
	}
}

// TestLogs wants nothing of prompt, answer or key at any level.
func TestLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	srv := llmtest.Start(t, "turn\nsay {\"name\":\"Pawbook\"}\nfail fenced")
	c := newClient(t, client.Config{Log: slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	req := ask("A secret.")
	req.Schema = form()
	if _, _, err := c.Call(t.Context(), srv.Endpoint(), req, (&till{}).admit, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"label":"fenced"`) {
		t.Errorf("no warning: %s", out.String())
	}
	for _, secret := range []string{"secret", "Pawbook", "sk-test"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log shows %q: %s", secret, out.String())
		}
	}
	if s := fmt.Sprintf("%v %+v", srv.Endpoint(), srv.Endpoint()); strings.Contains(s, "sk-test") {
		t.Errorf("a printed endpoint shows its key: %s", s)
	}
}
