package llm

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is what a caller must tell apart about a failed call.
type Kind string

// The kinds. Where a later try can help, Error.RetryAfter says when.
const (
	Overloaded     Kind = "overloaded"       // too busy
	RateLimited    Kind = "rate_limited"     // this key asks too often
	SpendLimit     Kind = "spend_limit"      // this key's account has no money left, or a cap of its own
	Refused        Kind = "refused"          // the model declined; do not send that turn again
	Truncated      Kind = "truncated"        // cut by MaxTokens or Paused; the Result holds what came
	Unreadable     Kind = "unreadable"       // an answer that is none, also after a repair
	ContextTooLong Kind = "context_too_long" // the conversation must end
	Unauthorised   Kind = "unauthorised"     // the key is wrong or may not do this
	Rejected       Kind = "rejected"         // the request is wrong: our mistake or the settings'
	Unavailable    Kind = "unavailable"      // cannot be reached, broke off or stood still
	Cancelled      Kind = "cancelled"        // by us
	Budget         Kind = "budget"           // a limit of ours stands in the way
)

// Reason is the closer circumstance, for people to act on and for operators to
// count. It adds to Kind and never contradicts it.
type Reason string

// The reasons.
const (
	NoAddress      Reason = "no_address"        // the host name does not exist
	NotListening   Reason = "not_listening"     // nothing answers at that address
	BadTLS         Reason = "bad_tls"           // the connection cannot be trusted
	Lost           Reason = "connection_lost"   // broke off
	Incomplete     Reason = "incomplete"        // ended early without saying so
	Garbled        Reason = "garbled"           // does not follow the protocol
	NoFirstByte    Reason = "no_first_byte"     // accepted, then silence
	NoBytes        Reason = "no_bytes"          // fell silent midway
	NoProgress     Reason = "no_progress"       // alive, but nothing more came
	ServerError    Reason = "server_error"      // its own mistake
	NotMessages    Reason = "not_messages_api"  // something else answers there
	Redirected     Reason = "redirected"        // it sends us elsewhere, where the key must not go
	UnknownModel   Reason = "unknown_model"     // no such model there
	BadRequest     Reason = "bad_request"       // it says we are wrong
	SchemaTooLarge Reason = "schema_too_large"  // the form is more than it can hold to
	HistoryChanged Reason = "history_changed"   // signed thinking does not fit what is before it
	TooLarge       Reason = "request_too_large" // in bytes
	BreakerOpen    Reason = "breaker_open"      // failed often just now: not tried
	UnexpectedStop Reason = "unexpected_stop"   // a stop reason that is no answer
	Paused         Reason = "paused"            // the model stopped midway, each time it was told to go on
	NoAnswer       Reason = "no_answer"         // complete, but empty
	NotJSON        Reason = "not_json"          // no single JSON value in it
	WrongForm      Reason = "wrong_form"        // JSON, but not of the form asked for
	CutCall        Reason = "cut_call"          // a tool call that is not whole
	StoppedBySink  Reason = "stopped_by_sink"
)

// Error is a call that gave no answer. It holds nothing of what was sent or
// received, so it may be logged and shown to operators.
type Error struct {
	Kind       Kind
	Reason     Reason
	Endpoint   string
	Model      string
	RequestID  string // of the last attempt, empty when there was none
	Status     int    // of HTTP, 0 when there was none; 200 for an error inside a stream
	Stop       StopReason
	Attempts   int           // made in this call
	RetryAfter time.Duration // when a later try can help; 0: it cannot
	// Payload identifies an answer that could not be used, without showing it.
	PayloadSHA256 string
	PayloadLen    int
	cause         error
}

// Because keeps a cause that holds nothing of prompts, answers or addresses, such
// as a context's or a budget's error, and returns the error.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// Error names kind, reason and ids, for logs.
func (e *Error) Error() string {
	var s strings.Builder
	s.WriteString("model call: " + string(e.Kind))
	if e.Reason != "" {
		s.WriteString(" (" + string(e.Reason) + ")")
	}
	if e.Endpoint != "" || e.Model != "" {
		fmt.Fprintf(&s, " at %s %s", e.Endpoint, e.Model)
	}
	if e.Status != 0 {
		fmt.Fprintf(&s, ", status %d", e.Status)
	}
	if e.RequestID != "" {
		s.WriteString(", request " + e.RequestID)
	}
	if e.Attempts > 0 {
		fmt.Fprintf(&s, ", %d attempts", e.Attempts)
	}
	if e.cause != nil {
		s.WriteString(": " + e.cause.Error())
	}
	return s.String()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of the first Error in err's chain, or "" when there is
// none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
