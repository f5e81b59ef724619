package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/telemetry"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Problem is an error as RFC 9457 writes it, with what we add.
type Problem struct {
	Type    string        `json:"type"`   // always about:blank: Code tells problems apart
	Title   string        `json:"title"`  // the status in words
	Status  int           `json:"status"` // the HTTP status
	Code    string        `json:"code"`   // stable, snake_case
	Detail  string        `json:"detail"` // plain words for people
	DebugID string        `json:"debug_id"`
	Fields  []fault.Field `json:"fields"` // never null

	// RetryAfter goes into the header of that name when it is not 0.
	RetryAfter time.Duration `json:"-"`
}

const (
	problemType    = "application/problem+json"
	internalDetail = "Something went wrong on our side. Nothing you did caused it; trying again may help."
	retryDefault   = 5 * time.Second
)

// ProblemOf turns an error into what is shown of it. It is the one place where a
// kind becomes a status. An error that is no fault is a 500 with a fixed text:
// its own text may hold anything.
func ProblemOf(err error, debugID string) Problem {
	f := faultIn(err)
	status := statusOf(f.Kind)
	p := Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: f.Code, Detail: f.Detail, DebugID: debugID, Fields: f.Fields,
	}
	if f.Kind == fault.Internal {
		p.Code, p.Detail, p.Fields = f.Kind.String(), internalDetail, nil
	}
	if p.Fields == nil {
		p.Fields = []fault.Field{}
	}
	p.RetryAfter = max(f.RetryAfter, 0)
	if p.RetryAfter == 0 && (f.Kind == fault.TooMany || f.Kind == fault.Unavailable) {
		p.RetryAfter = retryDefault
	}
	return p
}

// RetryHeader is the value of Retry-After, whole seconds rounded up; empty where
// there is none.
func (p Problem) RetryHeader() string {
	if p.RetryAfter <= 0 {
		return ""
	}
	return strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds())))
}

// faultIn finds the fault in err, or makes one of the few other errors that are
// the caller's doing.
func faultIn(err error) *fault.Error {
	if f := fault.Of(err); f != nil {
		return f
	}
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		return fault.Newf(fault.TooLarge, "", "That is more than the %s accepted here.", size(large.Limit)).Because(err)
	}
	if broken := new(bodyError); errors.As(err, &broken) {
		return fault.New(fault.Malformed, "", "The request could not be read to its end.").Because(err)
	}
	if errors.Is(err, errExpired) {
		return fault.New(fault.Unavailable, "took_too_long", "That took too long and was stopped. Please try again.").Because(err)
	}
	if db.Unavailable(err) {
		return fault.New(fault.Unavailable, "database_unavailable", "The database does not answer just now. Please try again.").Because(err)
	}
	return fault.New(fault.Internal, "", internalDetail).Because(err)
}

func statusOf(k fault.Kind) int {
	switch k {
	case fault.Internal:
		return http.StatusInternalServerError
	case fault.Malformed:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.PaymentRequired:
		return http.StatusPaymentRequired
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.NotAllowed:
		return http.StatusMethodNotAllowed
	case fault.Conflict:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.Misdirected:
		return http.StatusMisdirectedRequest
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Report is where an error stops: it gives it a debug id, writes its one log
// line, counts it and returns what may be shown. Whoever writes the answer with
// something else than WriteProblem or a HandlerFunc (huma does) calls it once.
func Report(ctx context.Context, err error) Problem { return report(ctx, err) }

// report is Report with more to write into the log line.
func report(ctx context.Context, err error, more ...slog.Attr) Problem {
	x := exchangeOf(ctx)
	if x != nil && x.expiry.passed.Load() && fault.Of(err) == nil {
		err = errors.Join(errExpired, err)
	}
	p := ProblemOf(err, telemetry.NewDebugID())
	if x == nil {
		return p
	}
	x.debugID = p.DebugID
	line := append([]slog.Attr{
		slog.String("debug_id", p.DebugID), slog.Int("status", p.Status),
		slog.String("code", p.Code), slog.String("err", cut(err.Error())),
	}, more...)
	log := x.server.cfg.Log
	switch {
	case ctx.Err() != nil && !x.expiry.passed.Load():
		log.LogAttrs(ctx, slog.LevelInfo, "client went away", line...)
	case p.Status < http.StatusInternalServerError:
		log.LogAttrs(ctx, slog.LevelInfo, "request refused", line...)
	default:
		log.LogAttrs(ctx, slog.LevelError, "request failed", line...)
		x.server.measures.failures.Add(ctx, 1, metric.WithAttributes(attribute.String("code", failureClass(p))))
	}
	return p
}

// longestError is how much of an error's text is logged: causes may quote what a
// client sent.
const longestError = 500

// cut keeps the beginning of a text, in whole characters.
func cut(text string) string {
	if len(text) <= longestError {
		return text
	}
	return strings.ToValidUTF8(text[:longestError], "") + "…"
}

// failureClass keeps the label of the failure counter to two values.
func failureClass(p Problem) string {
	if p.Status == http.StatusServiceUnavailable {
		return fault.Unavailable.String()
	}
	return fault.Internal.String()
}

// ErrorRenderer writes the page for an error, status included; web gives one to
// the Server. The header already holds Retry-After where it belongs, and
// Cache-Control: no-store.
type ErrorRenderer func(w http.ResponseWriter, r *http.Request, p Problem)

// WriteError reports err and answers with it: as a page for a browser, as
// problem+json for anything under /api/ and for clients that do not ask for
// HTML. When an answer has already begun the connection is cut instead, so that
// half an answer cannot pass for a whole one.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	answer(w, r, Report(r.Context(), err))
}

// answer writes what WriteError promises.
func answer(w http.ResponseWriter, r *http.Request, p Problem) {
	if rec := recorderOf(w); rec != nil && rec.status != 0 {
		panic(http.ErrAbortHandler)
	}
	prepare(w.Header(), p)
	if x := exchangeOf(r.Context()); x != nil && x.server.cfg.Pages != nil && !x.foreign && wantsPage(r) {
		x.server.cfg.Pages(w, r, p)
		return
	}
	writeProblem(w, r, p)
}

// WriteProblem is WriteError for callers that only ever speak JSON.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := Report(r.Context(), err)
	prepare(w.Header(), p)
	writeProblem(w, r, p)
}

// prepare takes back what a handler said of the answer it did not give.
func prepare(h http.Header, p Problem) {
	for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if after := p.RetryHeader(); after != "" {
		h.Set("Retry-After", after)
	}
}

func writeProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		panic(err) // strings and numbers always encode
	}
	h := w.Header()
	h.Set("Content-Type", problemType)
	if p.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", `Bearer realm="cofounder"`)
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) //nolint:errcheck // the client is gone; the access line says how far it got
	}
}

// wantsPage tells a browser's navigation, or htmx asking for a fragment, from a
// program.
func wantsPage(r *http.Request) bool {
	if r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/") {
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("Hx-Request") == "true"
}

// recorderOf finds the server's recorder below other wrappers.
func recorderOf(w http.ResponseWriter) *recorder {
	for {
		switch t := w.(type) {
		case *recorder:
			return t
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}

// size writes a number of bytes the way people say it.
func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + " MB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + " KB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
