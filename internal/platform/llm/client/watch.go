package client

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"cofounder/internal/platform/llm"
)

// stallError is the cause with which a watchdog cancels.
type stallError llm.Reason

func (s stallError) Error() string { return string(s) }

// foreignError is an answer that is not of the Messages API.
type foreignError llm.Reason

func (n foreignError) Error() string { return string(n) }

// tooMuchError caps what is read of a refusal.
const tooMuchError = 64 << 10

// watch ends an attempt that stands still, and sees what of it went over the wire.
type watch struct {
	cancel   context.CancelCauseFunc
	policy   Policy
	first    *time.Timer
	silence  *time.Timer // nil before the first byte; used by the reading goroutine only
	over     bool        // everything was said; likewise
	progress *time.Timer

	sent      atomic.Bool // the whole request was written
	status    int
	json      bool // an answer as a whole came, though a stream was asked for
	requestID string
	header    http.Header
}

func newWatch(cancel context.CancelCauseFunc, p Policy) *watch {
	w := &watch{cancel: cancel, policy: p}
	w.first = w.after(p.FirstByte, llm.NoFirstByte)
	w.progress = w.after(p.Progress, llm.NoProgress)
	return w
}

func (w *watch) after(d time.Duration, why llm.Reason) *time.Timer {
	return time.AfterFunc(d, func() { w.cancel(stallError(why)) })
}

// moved is told of every piece of content.
func (w *watch) moved() { w.progress.Reset(w.policy.Progress) }

// done ends the watchdogs.
func (w *watch) done() {
	w.first.Stop()
	w.progress.Stop()
	if w.silence != nil {
		w.silence.Stop()
	}
}

// linger is how long a server may take to end its stream after it said all. Reading
// to the end lets the connection be used again.
const linger = 250 * time.Millisecond

// ending replaces the watchdogs when everything was said.
func (w *watch) ending() {
	w.done()
	w.over = true
	w.silence = time.AfterFunc(linger, func() { w.cancel(errors.New("the stream did not end")) })
}

// see is a middleware of the SDK: it runs once, around the one request.
func (w *watch) see(r *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	res, err := next(r)
	if err != nil || res == nil {
		return res, err
	}
	w.status, w.header, w.requestID = res.StatusCode, res.Header, res.Header.Get("request-id")
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		limit(res, tooMuchError)
		return res, nil
	case res.StatusCode >= http.StatusMultipleChoices:
		res.Body.Close()
		return nil, foreignError(llm.Redirected)
	case !isType(res, "text/event-stream"):
		w.json = isType(res, "application/json")
		res.Body.Close()
		return nil, foreignError(llm.NotMessages)
	}
	body := res.Body
	res.Body = &watched{ReadCloser: body, watch: w}
	// A transport may not end its body with the request: what plays a model here need
	// not, and is cut all the same.
	context.AfterFunc(r.Context(), func() { body.Close() })
	return res, nil
}

// isType reports whether an answer says it is of that type.
func isType(res *http.Response, want string) bool {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return err == nil && kind == want
}

// limit cuts an answer after so many bytes.
func limit(res *http.Response, most int64) {
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, most), res.Body}
}

// watched is a body that is alive while bytes come, whatever they say.
type watched struct {
	io.ReadCloser
	watch *watch
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.alive()
	}
	return n, err
}

func (w *watch) alive() {
	switch {
	case w.over:
	case w.silence == nil:
		w.first.Stop()
		w.silence = w.after(w.policy.Silence, llm.NoBytes)
	default:
		w.silence.Reset(w.policy.Silence)
	}
}
