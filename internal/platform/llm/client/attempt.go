package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptrace"
	"time"

	"cofounder/internal/platform/llm"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// attempt is one request and what came of it.
type attempt struct {
	got       collected
	watch     *watch
	complete  bool // all of it came, whatever it is
	text      string
	calls     []llm.ToolCall
	answer    []byte
	label     llm.Label
	firstByte time.Duration // to the first content
	took      time.Duration
	flowed    time.Duration // of took, until the last content
	// failed says why there is no answer; nil: there is one.
	failed *failure
}

// failure is why an attempt gave no answer.
type failure struct {
	kind   llm.Kind
	reason llm.Reason
	cause  error // only what shows nothing of prompts, answers or addresses
	// flaws is what was wrong with an answer's form, for the repair.
	flaws string
	// wait is what the server asked for; waitSet tells 0 from nothing.
	wait    time.Duration
	waitSet bool
	// envelope is true when it was said in the words of the API.
	envelope bool
	// final is true when the server says that asking again is of no use.
	final bool
	// inStream is true when it said it after the answer began.
	inStream bool
}

// sinkError wraps what a sink returned.
type sinkError struct{ cause error }

func (s sinkError) Error() string { return s.cause.Error() }
func (s sinkError) Unwrap() error { return s.cause }

// options say how the SDK reaches ep. Its services are made one by one, since
// anthropic.NewClient reads credentials and addresses from the environment.
func (c *Client) options(ep llm.Endpoint) []option.RequestOption {
	opts := []option.RequestOption{
		option.WithBaseURL(ep.BaseURL),
		option.WithHTTPClient(c.http),
		option.WithMaxRetries(0),
		option.WithoutOpenTelemetry(),
		option.WithOpenTelemetryPropagation(false),
	}
	switch ep.Auth {
	case llm.KeyHeader:
		opts = append(opts, option.WithAPIKey(ep.Key.Reveal()))
	case llm.Bearer:
		opts = append(opts, option.WithAuthToken(ep.Key.Reveal()))
	case llm.NoAuth:
	}
	return opts
}

// send makes the request of attempt number and reads the answer. It calls begins once when
// the first content is there.
func (k *call) send(parent context.Context, number int, maxTokens llm.Tokens, begins func()) *attempt {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	a := &attempt{watch: newWatch(cancel, k.client.policy)}
	defer a.watch.done()
	started := k.client.clock.Now()
	flowedAt := started
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(i httptrace.WroteRequestInfo) {
		if i.Err == nil {
			a.watch.sent.Store(true)
		}
	}})
	service := anthropic.NewMessageService(k.client.options(k.ep)...)
	stream := service.NewStreaming(ctx, anthropic.MessageNewParams{Model: k.req.Model, MaxTokens: int64(maxTokens)},
		option.WithRequestBody("application/json", k.prompt.body(maxTokens)), option.WithMiddleware(a.watch.see))
	defer stream.Close() //nolint:errcheck // the answer is judged by what was read of it
	var err error
	for err == nil && stream.Next() {
		if a.got.ended {
			continue // reading to the end, so that the connection can be used again
		}
		var e llm.Event
		e, err = a.got.take(stream.Current())
		a.watch.moved()
		flowedAt = k.client.clock.Now()
		if a.firstByte == 0 && a.got.begun {
			a.firstByte = max(flowedAt.Sub(started), 1) // 0 means never
			begins()
		}
		if e.Text != "" && k.sink != nil && err == nil {
			e.Attempt = number
			if stop := k.sink(e); stop != nil {
				err = sinkError{stop}
			}
		}
		if a.got.ended {
			a.watch.ending()
		}
	}
	if err == nil && !a.got.ended {
		err = stream.Err()
	}
	a.took, a.flowed = k.client.clock.Now().Sub(started), flowedAt.Sub(started)
	a.failed = k.judge(parent, ctx, a, err)
	return a
}

// judge says whether a complete answer was received, and of the kind asked for.
func (k *call) judge(parent, ctx context.Context, a *attempt, err error) *failure {
	if err != nil {
		return k.client.classify(parent, ctx, a, err)
	}
	if !a.got.ended && (!k.ep.Lenient || a.got.stop == "") {
		if parent.Err() != nil {
			return cancelled(parent)
		}
		return &failure{kind: llm.Unavailable, reason: llm.Incomplete}
	}
	a.complete, a.text = true, k.before+a.got.text()
	switch a.got.stop {
	case llm.StopRefusal:
		return &failure{kind: llm.Refused}
	case llm.StopLength:
		return &failure{kind: llm.Truncated}
	case llm.StopContext:
		return &failure{kind: llm.ContextTooLong}
	case llm.StopTools:
		return a.judgeCalls()
	case llm.StopPause:
		return &failure{kind: llm.Truncated, reason: llm.Paused}
	case llm.StopEnd, llm.StopSequence:
		return k.judgeText(a)
	}
	return &failure{kind: llm.Unreadable, reason: llm.UnexpectedStop}
}

func (a *attempt) judgeCalls() *failure {
	calls, whole := a.got.calls()
	switch {
	case !whole:
		return &failure{kind: llm.Unreadable, reason: llm.CutCall}
	case len(calls) == 0:
		return &failure{kind: llm.Unreadable, reason: llm.NoAnswer}
	}
	a.calls = calls
	return nil
}

func (k *call) judgeText(a *attempt) *failure {
	if a.text == "" {
		if k.req.Schema == nil && len(a.got.blocks) > 0 && k.req.Opening.HasTools() {
			return nil // nothing more to say after its tools
		}
		return &failure{kind: llm.Unreadable, reason: llm.NoAnswer, flaws: "There was no text."}
	}
	if k.req.Schema == nil {
		return nil
	}
	if a.got.damaged {
		return &failure{kind: llm.Unreadable, reason: llm.NotJSON, flaws: "The text is not valid UTF-8."}
	}
	answer, label, err := llm.Extract(a.text)
	if err != nil {
		return &failure{kind: llm.Unreadable, reason: llm.NotJSON, flaws: err.Error()}
	}
	if k.req.Schema.Check != nil {
		if err := k.req.Schema.Check(answer); err != nil {
			return &failure{kind: llm.Unreadable, reason: llm.WrongForm, flaws: err.Error()}
		}
	}
	a.answer, a.label = answer, label
	return nil
}

// cancelled is a call whose caller went away.
func cancelled(ctx context.Context) *failure {
	return &failure{kind: llm.Cancelled, cause: context.Cause(ctx)}
}

// fingerprint identifies an answer without showing it.
func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// header returns a header of the answer, if there was one.
func (a *attempt) header(name string) string {
	if a.watch.header == nil {
		return ""
	}
	return http.Header.Get(a.watch.header, name)
}
