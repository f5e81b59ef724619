package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/llm"
	"cofounder/internal/platform/llm/demo/idea"
	"cofounder/internal/platform/llm/tag"
	"cofounder/internal/platform/llm/wire"
)

// ModelID is the one model there is. It is on no rate card but the free one.
const ModelID = "cofounder-demo-1"

// host cannot exist (RFC 2606): a request that is not caught here goes nowhere.
const host = "demo.invalid"

// Endpoint returns the demo model as an endpoint of every class. Requests to it
// must be carried by a Model.
func Endpoint() llm.Endpoint {
	return llm.Endpoint{
		Name: "demo", BaseURL: "http://" + host, Auth: llm.KeyHeader, Key: config.NewSecret("demo"), RateCard: "free",
		Models: map[llm.Class]string{llm.Best: ModelID, llm.Standard: ModelID, llm.Small: ModelID},
	}
}

// Model answers requests. It is safe for concurrent use.
type Model struct {
	next  http.RoundTripper
	ideas *idea.Reader
	parts *tag.Reader
	tasks map[string]task
	roles map[string]role
}

// New returns the model. Requests to another endpoint than its own it hands to next,
// so that one client can carry both.
func New(next http.RoundTripper) *Model {
	m := &Model{next: next, ideas: idea.NewReader(), parts: tag.NewReader()}
	m.tasks, m.roles = m.allTasks(), m.allRoles()
	return m
}

// RoundTrip implements http.RoundTripper.
func (m *Model) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != host {
		res, err := m.next.RoundTrip(r)
		if err != nil {
			return nil, err //nolint:wrapcheck // we only pass it on
		}
		return res, nil
	}
	body, err := read(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s", r.Method, r.URL.Path, body))
	number := hex.EncodeToString(sum[:12])
	api := wire.API{
		Models:    []wire.Model{{ID: ModelID, Name: "Demo, no AI", MaxInput: 1_000_000, MaxOutput: 128_000, Strict: true, TextOnly: true}},
		Sign:      wire.Signer(ModelID),
		RequestID: func(*http.Request) string { return "req_demo_" + number },
		Answer:    func(w http.ResponseWriter, _ *http.Request, q *wire.Request) { m.answer(w, q, number) },
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	out := &recorder{header: http.Header{}, status: http.StatusOK}
	api.ServeHTTP(out, in)
	return &http.Response{
		Status: strconv.Itoa(out.status) + " " + http.StatusText(out.status), StatusCode: out.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.header, Body: io.NopCloser(&out.body), ContentLength: int64(out.body.Len()), Request: r,
	}, nil
}

// read takes the body of a request, one byte more than the API allows at most.
func read(r *http.Request) ([]byte, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err //nolint:wrapcheck // what a transport returns
	}
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("demo model: read request: %w", err)
	}
	return body, nil
}

// recorder keeps an answer until it is whole. There is nothing to wait for.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// answer writes the answer to a request that is in order.
func (m *Model) answer(w http.ResponseWriter, q *wire.Request, number string) {
	content, refused := m.say(q)
	if refused != nil {
		wire.WriteError(w, refused)
		return
	}
	reply := wire.Reply{ID: "msg_demo_" + number, Model: ModelID, Content: content, Stop: "end_turn"}
	for i := range content {
		if content[i].Type == "tool_use" {
			content[i].ID = "toolu_demo_" + number + "_" + strconv.Itoa(i)
			reply.Stop = "tool_use"
		}
	}
	if cut(&reply, *q.MaxTokens) {
		reply.Stop = "max_tokens"
	}
	_ = reply.WithUsage(q).Write(w, q) //nolint:errcheck // a buffer takes everything
}

// cut shortens an answer to so many tokens, as the API does, and reports whether it
// had to. Of a tool call nothing is left: it would not be whole.
func cut(r *wire.Reply, most int64) bool {
	for i := range r.Content {
		b := &r.Content[i]
		size := wire.CountText(len(b.Text) + len(b.Input))
		if size <= most {
			most -= size
			continue
		}
		keep := len(b.Text)
		for keep > 0 && wire.CountText(keep) > most {
			keep--
		}
		b.Text = strings.ToValidUTF8(b.Text[:keep], "")
		r.Content = r.Content[:i+1]
		if b.Text == "" {
			r.Content = r.Content[:i]
		}
		return true
	}
	return false
}

// text is an answer of one text.
func text(s string) wire.Content { return wire.Content{{Type: "text", Text: s}} }

// say decides what to answer.
func (m *Model) say(q *wire.Request) (wire.Content, *wire.Error) {
	for i, msg := range q.Messages {
		for _, b := range msg.Content {
			if (b.Type == "image" || b.Type == "document") && q.SchemaTitle() != fileTask {
				return nil, wire.Invalid(fmt.Sprintf("messages.%d: %s reads text only, not a block of type %s", i, ModelID, b.Type))
			}
		}
	}
	switch {
	case len(q.Tools) > 0:
		return m.play(q)
	case q.Schema() != nil:
		return m.do(q)
	}
	return text("This is the demo model: fixed rules, no AI. It does the tasks that it knows by the title of their output schema: " + names(m.tasks) + "."), nil
}

// do does the task that the title of the schema names.
func (m *Model) do(q *wire.Request) (wire.Content, *wire.Error) {
	do, ok := m.tasks[q.SchemaTitle()]
	if !ok {
		return nil, wire.Invalid(fmt.Sprintf("output_config.format.schema.title: %s has no rules for the task %q, only for: %s", ModelID, q.SchemaTitle(), names(m.tasks)))
	}
	v, refused := do(q)
	if refused != nil {
		return nil, refused
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, &wire.Error{Status: http.StatusInternalServerError, Type: "api_error", Message: "the answer cannot be written"}
	}
	return text(string(raw)), nil
}

// play lets the role of the system prompt's first line go on with the conversation.
func (m *Model) play(q *wire.Request) (wire.Content, *wire.Error) {
	first, _, _ := strings.Cut(q.SystemText(), "\n")
	name, ok := strings.CutPrefix(strings.TrimSpace(first), "Role: ")
	if !ok {
		return nil, wire.Invalid(`system: ` + ModelID + ` needs "Role: NAME" as the first line when there are tools`)
	}
	next, ok := m.roles[name]
	if !ok {
		return nil, wire.Invalid(fmt.Sprintf("system: %s has no rules for the role %q, only for: %s", ModelID, name, names(m.roles)))
	}
	content, refused := next(q)
	for _, b := range content {
		if b.Type == "tool_use" && !offered(q, b.Name) {
			return nil, wire.Invalid(fmt.Sprintf("tools: the role %q needs the tool %q", name, b.Name))
		}
	}
	return content, refused
}
