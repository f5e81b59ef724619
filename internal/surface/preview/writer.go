package preview

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"cofounder/internal/base/clock"
)

const (
	// stall is how long a browser may leave a full buffer standing, or not send the
	// rest of what it began to send.
	stall = 30 * time.Second
	// silence is how long neither app nor browser may say anything, on a WebSocket or
	// an event stream too.
	silence = 10 * time.Minute
	// mostSent bounds one answer of an app, mostReceived one request to it.
	mostSent     = 512 << 20
	mostReceived = 64 << 20
)

// now is the operating system's time: deadlines of connections are about the machine.
func now() time.Time { return clock.System{}.Now() }

// writer bounds what an app sends to a browser in time and size.
type writer struct {
	http.ResponseWriter
	conn *http.ResponseController
	sent int64
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader keeps informational answers back: their headers were not looked at.
func (w *writer) WriteHeader(status int) {
	if status >= http.StatusContinue && status < http.StatusOK && status != http.StatusSwitchingProtocols {
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write cuts the connection when the answer is too large or nobody reads it.
func (w *writer) Write(b []byte) (int, error) {
	if w.sent += int64(len(b)); w.sent > mostSent {
		panic(http.ErrAbortHandler)
	}
	if err := w.conn.SetWriteDeadline(now().Add(stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

// body bounds the pauses within a request's body. The deadline goes with the body:
// net/http takes one that passes later for a browser that left.
type body struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b body) Read(p []byte) (int, error) {
	if err := b.conn.SetReadDeadline(now().Add(stall)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if lifted := b.conn.SetReadDeadline(time.Time{}); err == nil && lifted != nil && !errors.Is(lifted, http.ErrNotSupported) {
		err = lifted
	}
	return n, err
}

// wire is a connection to an app that ends when nothing moves on it for long.
type wire struct{ net.Conn }

func (c wire) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(now().Add(silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c wire) Write(p []byte) (int, error) {
	// What is sent counts for both directions.
	if err := c.SetDeadline(now().Add(silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
