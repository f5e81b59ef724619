package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cofounder/internal/platform/llm"

	"github.com/anthropics/anthropic-sdk-go"
)

// statusOverloaded is the API's own: too busy for everybody.
const statusOverloaded = 529

// classify turns an attempt's error into what a caller must know. The error itself
// goes no further: the SDK's print addresses and bodies.
func (c *Client) classify(parent, ctx context.Context, a *attempt, err error) *failure {
	if stop, ok := errors.AsType[sinkError](err); ok {
		return &failure{kind: llm.Cancelled, reason: llm.StoppedBySink, cause: stop.cause}
	}
	if parent.Err() != nil {
		return cancelled(parent)
	}
	if why, ok := errors.AsType[stallError](context.Cause(ctx)); ok {
		return &failure{kind: llm.Unavailable, reason: llm.Reason(why)}
	}
	if api, ok := errors.AsType[*anthropic.Error](err); ok {
		return c.classifyAPI(a, api)
	}
	if other, ok := errors.AsType[foreignError](err); ok {
		kind := llm.Unreadable
		if llm.Reason(other) == llm.Redirected {
			kind = llm.Rejected
		}
		return &failure{kind: kind, reason: llm.Reason(other)}
	}
	if _, network := errors.AsType[net.Error](err); a.watch.status == http.StatusOK && !network && !errors.Is(err, io.ErrUnexpectedEOF) {
		return &failure{kind: llm.Unavailable, reason: llm.Garbled}
	}
	return &failure{kind: llm.Unavailable, reason: networkReason(err)}
}

// networkReason says what went wrong below HTTP.
func networkReason(err error) llm.Reason {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return llm.NoAddress
	}
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case record || verify || unknown || errors.Is(err, http.ErrSchemeMismatch):
		return llm.BadTLS
	case errors.Is(err, syscall.ECONNREFUSED):
		return llm.NotListening
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return llm.NotListening
	}
	return llm.Lost
}

// classifyAPI reads a refusal, of a request or inside a stream.
func (c *Client) classifyAPI(a *attempt, e *anthropic.Error) *failure {
	said := readEnvelope(e.RawJSON())
	f := &failure{envelope: said.Type != "", inStream: e.StatusCode == http.StatusOK}
	f.wait, f.waitSet = c.retryAfter(a)
	f.final = a.header("X-Should-Retry") == "false"
	f.kind, f.reason = byType(said.Type)
	if f.kind == "" {
		f.kind, f.reason = byStatus(e.StatusCode)
	}
	if f.kind == llm.RateLimited && said.Code == "enforced_spend_limit_reached" {
		f.kind = llm.SpendLimit
	}
	if f.kind == llm.Rejected && f.reason == llm.BadRequest {
		f.kind, f.reason = byMessage(said.Message)
	}
	return f
}

// envelope is what the API says in an error.
type envelope struct {
	Type    string
	Message string
	Code    string
}

func readEnvelope(raw string) envelope {
	var e struct {
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
			Details struct {
				Code string `json:"error_code"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(raw), &e) != nil {
		return envelope{} // not the API's
	}
	return envelope{e.Error.Type, e.Error.Message, e.Error.Details.Code}
}

// byType knows the types of the API. Inside a stream there is nothing else: the
// status is 200.
func byType(kind string) (llm.Kind, llm.Reason) {
	switch kind {
	case "overloaded_error":
		return llm.Overloaded, ""
	case "rate_limit_error":
		return llm.RateLimited, ""
	case "authentication_error", "permission_error":
		return llm.Unauthorised, ""
	case "billing_error":
		return llm.SpendLimit, ""
	case "not_found_error":
		return llm.Rejected, llm.UnknownModel
	case "request_too_large":
		return llm.ContextTooLong, llm.TooLarge
	case "invalid_request_error":
		return llm.Rejected, llm.BadRequest
	case "api_error", "timeout_error", "conflict_error":
		return llm.Unavailable, llm.ServerError
	}
	return "", ""
}

// byStatus is for servers that have words of their own.
func byStatus(status int) (llm.Kind, llm.Reason) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return llm.Unauthorised, ""
	case http.StatusPaymentRequired:
		return llm.SpendLimit, ""
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return llm.Rejected, llm.NotMessages
	case http.StatusRequestEntityTooLarge:
		return llm.ContextTooLong, llm.TooLarge
	case http.StatusTooManyRequests:
		return llm.RateLimited, ""
	case statusOverloaded:
		return llm.Overloaded, ""
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusOK: // 200: an error inside a stream
		return llm.Unavailable, llm.ServerError
	}
	if status >= http.StatusInternalServerError {
		return llm.Unavailable, llm.ServerError
	}
	return llm.Rejected, llm.BadRequest
}

// byMessage tells refused requests apart by the API's words, since it has one type
// for all of them.
func byMessage(message string) (llm.Kind, llm.Reason) {
	message = strings.ToLower(message)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(message, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("prompt is too long", "context window", "context length"):
		return llm.ContextTooLong, ""
	case has("grammar is too large"):
		return llm.Rejected, llm.SchemaTooLarge
	case has("spend limit", "usage limit", "credit balance"):
		return llm.SpendLimit, ""
	case has("signature") && has("thinking"):
		return llm.Rejected, llm.HistoryChanged
	}
	return llm.Rejected, llm.BadRequest
}

// retryAfter is how long the server asks to wait: milliseconds, seconds or a date.
func (c *Client) retryAfter(a *attempt) (time.Duration, bool) {
	if ms, err := strconv.ParseFloat(a.header("Retry-After-Ms"), 64); err == nil {
		return duration(ms, time.Millisecond), true
	}
	value := a.header("Retry-After")
	if s, err := strconv.ParseFloat(value, 64); err == nil {
		return duration(s, time.Second), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(c.clock.Now()), 0), true
	}
	return 0, false
}

// duration is n units, between nothing and a month.
func duration(n float64, unit time.Duration) time.Duration {
	const month = 30 * 24 * time.Hour
	if !(n > 0) { // also not a number
		return 0
	}
	return time.Duration(min(n*float64(unit), float64(month)))
}
