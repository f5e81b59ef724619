package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/idempotency"
	"cofounder/internal/surface/httpd"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotency-Replayed"
)

// once carries a write out at most once per Idempotency-Key.
func (a *api) once(o operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) { a.carryOut(o, hc, next) }
}

// carryOut reads the body before anything is done with it, so that one too large or
// cut off changes nothing.
func (a *api) carryOut(o operation, hc huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(hc)
	if o.body > 0 {
		httpd.BodyLimit(o.body, http.HandlerFunc(func(_ http.ResponseWriter, larger *http.Request) { r = larger })).ServeHTTP(w, r)
	}
	body, err := read(r)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	keys, ok := r.Header[keyHeader]
	if !ok {
		next(with(hc, r, w, body))
		return
	}
	req := request(r, body)
	req.Secret = o.secret
	if len(keys) == 1 { // several are as wrong as an empty one
		req.Key = keys[0]
	}
	answer, err := a.cfg.Idempotency.Do(r.Context(), req, func(ctx context.Context) idempotency.Answer {
		rec := &recorder{header: http.Header{}}
		next(with(hc, r.WithContext(ctx), rec, body))
		return idempotency.Answer{Status: rec.status, Header: rec.header, Body: rec.body.Bytes()}
	})
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	repeat(w, answer)
}

// request is r as idempotency knows it. A key belongs to who asks as what: somebody
// whose rights have changed since, or who comes by another way, is not answered with
// what they could see then.
func request(r *http.Request, body []byte) idempotency.Request {
	actor := actorOf(r.Context())
	sees := "all"
	if actor.Restricted {
		sees = "some"
	}
	return idempotency.Request{
		Owner: strings.Join([]string{
			string(actor.Workspace), string(actor.User), string(actor.Role), string(actor.Scope), sees,
			string(actor.Session) + string(actor.Token),
		}, "/"),
		Call: r.Method + " " + r.URL.RequestURI(),
		Body: body,
	}
}

func repeat(w http.ResponseWriter, answer idempotency.Answer) {
	maps.Copy(w.Header(), answer.Header)
	if answer.Replayed {
		w.Header().Set(replayedHeader, "true")
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) //nolint:errcheck // a client that hung up asks again with its key
}

// read returns the whole body.
func read(r *http.Request) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, fault.New(fault.Unsupported, "", "Send the body without a Content-Encoding.")
	}
	body, err := io.ReadAll(r.Body)
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, err
	}
	if err != nil {
		return nil, fault.New(fault.Malformed, "", "The request's body did not arrive completely.").Because(err)
	}
	return body, nil
}

// with returns hc for a request whose body was read already.
func with(hc huma.Context, r *http.Request, w http.ResponseWriter, body []byte) huma.Context {
	again := r.WithContext(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return arrived{humago.NewContext(hc.Operation(), again, w)}
}

type humaContext = huma.Context

// arrived is a huma.Context whose body is here, so that the read deadline huma would
// set and never lift, which ends requests after five seconds, stays off the connection.
type arrived struct{ humaContext }

// SetReadDeadline does nothing.
func (arrived) SetReadDeadline(time.Time) error { return nil }

// Unwrap lets humago find its own context.
func (c arrived) Unwrap() huma.Context { return c.humaContext }

// recorder is a ResponseWriter that keeps the answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
