package wire

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// API answers the addresses of the Messages API and leaves to Answer what to say.
type API struct {
	Models []Model
	Key    string // the only key taken; empty takes any
	Sign   Signer
	// Answer writes the answer to a request that was found in order.
	Answer func(w http.ResponseWriter, r *http.Request, q *Request)
	// Seen, if set, is told of every request with its body, refused or not.
	Seen func(r *http.Request, body []byte, refused *Error)
	// RequestID, if set, names a request; otherwise they are counted.
	RequestID func(r *http.Request) string
	count     atomic.Int64
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := "req_" + strconv.FormatInt(a.count.Add(1), 10)
	if a.RequestID != nil {
		id = a.RequestID(r)
	}
	w.Header().Set("request-id", id)
	w.Header().Set("anthropic-organization-id", "org_local")
	body, q, refused := a.read(w, r)
	if a.Seen != nil {
		a.Seen(r, body, refused)
	}
	path := r.URL.Path
	switch {
	case refused != nil:
		WriteError(w, refused)
	case path == "/v1/models":
		a.list(w)
	case path == "/v1/messages/count_tokens":
		a.reply(w, map[string]int64{"input_tokens": q.Count()})
	case path == "/v1/messages":
		a.Answer(w, r, q)
	default: // read lets nothing else through than one model
		m, _ := find(a.Models, strings.TrimPrefix(path, "/v1/models/"))
		a.reply(w, m)
	}
}

func (a *API) read(w http.ResponseWriter, r *http.Request) ([]byte, *Request, *Error) {
	if refused := a.route(r); refused != nil {
		return nil, nil, refused
	}
	if refused := checkHeaders(r.Header, a.Key); refused != nil || r.Method == http.MethodGet {
		return nil, nil, refused
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, nil, &Error{Status: http.StatusRequestEntityTooLarge, Type: "request_too_large", Message: "Request exceeds the maximum size"}
	}
	if err != nil {
		return nil, nil, Invalid("The request body could not be read")
	}
	q, refused := Parse(body)
	if refused != nil {
		return body, nil, refused
	}
	return body, q, a.check(r, q)
}

func (a *API) route(r *http.Request) *Error {
	path := r.URL.Path
	id, one := strings.CutPrefix(path, "/v1/models/")
	_, known := find(a.Models, id)
	switch {
	case r.Method == http.MethodPost && (path == "/v1/messages" || path == "/v1/messages/count_tokens"),
		r.Method == http.MethodGet && path == "/v1/models",
		r.Method == http.MethodGet && one && known:
		return nil
	case one:
		return &Error{Status: http.StatusNotFound, Type: "not_found_error", Message: "model: " + id}
	}
	return &Error{Status: http.StatusNotFound, Type: "not_found_error", Message: "Not found"}
}

func (a *API) check(r *http.Request, q *Request) *Error {
	if q.Model == "" {
		return Invalid("model: Field required")
	}
	m, ok := find(a.Models, q.Model)
	if !ok || m.Retired {
		return &Error{Status: http.StatusNotFound, Type: "not_found_error", Message: "model: " + q.Model}
	}
	if strings.HasSuffix(r.URL.Path, "/count_tokens") {
		if q.MaxTokens != nil || q.Stream {
			return Invalid("max_tokens: Extra inputs are not permitted")
		}
		counted := *q
		one := int64(1) // count_tokens has no max_tokens; everything else holds
		counted.MaxTokens = &one
		return counted.Check(m, a.Sign)
	}
	return q.Check(m, a.Sign)
}

func (a *API) list(w http.ResponseWriter) {
	page := map[string]any{"data": a.Models, "has_more": false, "first_id": nil, "last_id": nil}
	if n := len(a.Models); n > 0 {
		page["first_id"], page["last_id"] = a.Models[0].ID, a.Models[n-1].ID
	}
	a.reply(w, page)
}

func (*API) reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(mustMarshal(v)) //nolint:errcheck // the client is gone
}
