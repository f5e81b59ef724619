// Package fault names the kinds of failure a caller or a person must tell
// apart. Everything else is an ordinary wrapped error, which the edge shows as
// Internal with a fixed text.
//
// A fault carries three things for three readers: a stable Code for programs, a
// Detail in plain words for people, and the wrapped cause for the operator's
// log. Detail is shown to whoever asked; never put a secret or a cause in it.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says how a caller should treat a failure. The edge turns it into a
// status in one place (surface/httpd).
type Kind uint8

// The kinds, in the order of the status they become.
const (
	Internal        Kind = iota // our mistake; 500
	Malformed                   // the request cannot be read; 400
	Unauthenticated             // nobody is signed in, or no longer; 401
	PaymentRequired             // a plan or a limit stands in the way; 402
	Forbidden                   // signed in, but this role may not; 403
	NotFound                    // does not exist, or belongs to someone else; 404
	NotAllowed                  // the address exists, this method does not; 405
	Conflict                    // the present state does not allow it; 409
	Gone                        // existed, was used or has expired; 410
	TooLarge                    // more bytes than accepted; 413
	Unsupported                 // a media type we do not read; 415
	Misdirected                 // an address under which this cannot work; 421
	Invalid                     // readable, but a field is wrong; 422
	TooMany                     // asked too often; 429 with RetryAfter
	Unavailable                 // not now; 503 with RetryAfter
)

// Field is one thing wrong with one input, named as the caller named it.
type Field struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

// Error is a failure of a known kind. The zero value is not useful; make one
// with New.
type Error struct {
	Kind       Kind
	Code       string        // stable, snake_case, for programs
	Detail     string        // plain words: what happened and what to do
	Fields     []Field       // with Invalid what is wrong; with Conflict what stands in the way
	RetryAfter time.Duration // only with TooMany and Unavailable
	cause      error
}

// New returns a fault. An empty code takes the kind's own name.
func New(kind Kind, code, detail string) *Error {
	if code == "" {
		code = kind.String()
	}
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// Newf is New with a formatted detail.
func Newf(kind Kind, code, format string, args ...any) *Error {
	return New(kind, code, fmt.Sprintf(format, args...))
}

// OnField returns an Invalid fault about one field.
func OnField(name, detail string) *Error {
	return New(Invalid, "", "Something in the form needs another look.").WithField(name, detail)
}

// WithField adds one field and returns the fault.
func (e *Error) WithField(name, detail string) *Error {
	e.Fields = append(e.Fields, Field{Name: name, Detail: detail})
	return e
}

// WithRetry sets when it is worth trying again and returns the fault.
func (e *Error) WithRetry(after time.Duration) *Error {
	e.RetryAfter = after
	return e
}

// Because keeps the cause for the log and returns the fault.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// Error is for logs; people are shown Detail.
func (e *Error) Error() string {
	var s strings.Builder
	s.WriteString(e.Code + ": " + e.Detail)
	for _, f := range e.Fields {
		s.WriteString("; " + f.Name + ": " + f.Detail)
	}
	if e.cause != nil {
		s.WriteString(": " + e.cause.Error())
	}
	return s.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Of returns the first fault in err's chain, or nil when there is none.
func Of(err error) *Error {
	e, _ := errors.AsType[*Error](err) // false leaves e nil, which is the answer
	return e
}

// Is reports whether err is a fault of this kind. An error without a fault is
// Internal; nil is no failure at all.
func Is(err error, kind Kind) bool {
	if err == nil {
		return false
	}
	if e := Of(err); e != nil {
		return e.Kind == kind
	}
	return kind == Internal
}

// String returns the kind's name as it appears in codes.
func (k Kind) String() string {
	switch k {
	case Internal:
		return "internal"
	case Malformed:
		return "malformed"
	case Unauthenticated:
		return "unauthenticated"
	case PaymentRequired:
		return "payment_required"
	case Forbidden:
		return "forbidden"
	case NotFound:
		return "not_found"
	case NotAllowed:
		return "method_not_allowed"
	case Conflict:
		return "conflict"
	case Gone:
		return "gone"
	case TooLarge:
		return "too_large"
	case Unsupported:
		return "unsupported_media_type"
	case Misdirected:
		return "misdirected"
	case Invalid:
		return "invalid"
	case TooMany:
		return "too_many"
	case Unavailable:
		return "unavailable"
	}
	return "internal"
}
