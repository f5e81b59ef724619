package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cofounder/internal/platform/sandbox"
)

// port is where the proxy listens inside.
const port = 3128

// Door is a gate opened for one cage. It is safe for concurrent use.
type Door struct {
	gate   *Gate
	log    *slog.Logger
	server *http.Server
	cut    context.CancelFunc // ends everything that passes
	served chan struct{}      // closed when the listener is
	env    []string

	mu      sync.Mutex
	closed  bool
	tunnels sync.WaitGroup
	open    atomic.Int64
	down    atomic.Int64
	up      atomic.Int64
}

// Open lets c reach the gate's hosts until Close, or until ctx ends. It fails with
// cause Refused when a program inside holds the proxy's port. Programs find it by the
// variables of Env.
func (g *Gate) Open(ctx context.Context, c sandbox.Cage) (*Door, error) {
	listener, err := c.Listen(ctx, port)
	if err != nil {
		if sandbox.CauseOf(err) == 0 {
			err = sandbox.Errorf(sandbox.Refused, "A program in the cage holds the port that packages are fetched through.").Because(err)
		}
		return nil, fmt.Errorf("open a door: %w", err)
	}
	env := environment(g.Registries(ctx))
	ctx, cancel := context.WithTimeout(ctx, maxOpen)
	d := &Door{gate: g, env: env, log: g.cfg.Log.With("cage", c.ID()), cut: cancel, served: make(chan struct{})}
	d.server = &http.Server{
		Handler: d, ReadHeaderTimeout: helloLimit, IdleTimeout: maxIdle, MaxHeaderBytes: 8 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what programs inside send is no news
	}
	go func() {
		defer close(d.served)
		_ = d.server.Serve(listener) //nolint:errcheck // it always ends with an error, by Close
	}()
	context.AfterFunc(ctx, func() { _ = d.server.Close() }) //nolint:errcheck // it is over
	return d, nil
}

// Env are the variables by which package clients in the cage find the door, and what
// they are to fetch from.
func (d *Door) Env() []string { return slices.Clone(d.env) }

func environment(registries []Registry) []string {
	var env []string
	for _, r := range registries {
		env = append(env, r.Env...)
	}
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	for _, key := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		env = append(env, key+"="+address, strings.ToLower(key)+"="+address)
	}
	return append(env, "NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1")
}

// Close shuts the door, cuts what passes and waits until nothing does. It may be
// called many times.
func (d *Door) Close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.cut()
	_ = d.server.Close() //nolint:errcheck // the listener may be closed with its cage
	<-d.served
	d.tunnels.Wait()
}

// Used returns the bytes that passed into the cage and out of it.
func (d *Door) Used() (down, up int64) { return d.down.Load(), d.up.Load() }

// ServeHTTP decides on one request of a program inside.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if !d.enter() {
		return
	}
	defer d.tunnels.Done()
	host := strings.ToLower(r.RequestURI)
	if r.Method != http.MethodConnect {
		d.deny(ctx, w, r.Method, errors.New("only CONNECT is understood"))
		return
	}
	if strings.ToLower(r.Host) != host {
		d.deny(ctx, w, host, errors.New("two hosts are named"))
		return
	}
	if d.open.Add(1) > maxConns {
		d.open.Add(-1)
		d.deny(ctx, w, host, errors.New("too many connections at once"))
		return
	}
	defer d.open.Add(-1)
	far, err := d.gate.dial(ctx, host)
	if err != nil {
		d.deny(ctx, w, host, err)
		return
	}
	defer far.Close() //nolint:errcheck // it is over
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		d.deny(ctx, w, host, err)
		return
	}
	defer near.Close() //nolint:errcheck // it is over
	begun := d.gate.cfg.Clock.Now()
	down, up, err := d.tunnel(ctx, host, &early{Conn: near, reader: buffered.Reader}, far)
	if errors.Is(err, errTLS) {
		d.log.WarnContext(ctx, "egress denied", "host", shown(host), "reason", err)
		return
	}
	d.log.InfoContext(ctx, "egress allowed", "host", host, "bytes_down", down, "bytes_up", up, "took", d.gate.cfg.Clock.Now().Sub(begun))
}

// enter counts one more that passes, unless the door is closed.
func (d *Door) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.tunnels.Add(1)
	}
	return !d.closed
}

// deny answers and logs a refusal. The inside is told which rule it met, since honest
// package clients show it to whoever has to mend it.
func (d *Door) deny(ctx context.Context, w http.ResponseWriter, host string, why error) {
	d.log.WarnContext(ctx, "egress denied", "host", shown(host), "reason", why)
	said := "it could not be reached"
	for _, known := range []error{errHost, errAddress} {
		if errors.Is(why, known) {
			said = known.Error()
		}
	}
	http.Error(w, "cofounder: "+said, http.StatusForbidden)
}

// shown cuts what a program inside chose to a length a log line can take.
func shown(host string) string {
	const enough = 100
	return sandbox.PlainText([]byte(host[:min(len(host), enough)]))
}

// early is a connection of which some was read ahead.
type early struct {
	net.Conn
	reader io.Reader
}

func (e *early) Read(b []byte) (int, error) { return e.reader.Read(b) }

// tunnel carries bytes until either side ends, after checking how the inside begins.
func (d *Door) tunnel(ctx context.Context, host string, near, far net.Conn) (down, up int64, err error) {
	stop := context.AfterFunc(ctx, func() {
		_ = near.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // it is over
		_ = far.SetDeadline(time.Unix(1, 0))  //nolint:errcheck // it is over
	})
	defer stop()
	if err := near.SetDeadline(d.gate.cfg.Clock.Now().Add(helloLimit)); err != nil {
		return 0, 0, err
	}
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return 0, 0, err
	}
	hello, err := d.hello(ctx, host, near)
	if err != nil {
		return 0, 0, err
	}
	if ctx.Err() != nil {
		return 0, 0, ctx.Err()
	}
	var both sync.WaitGroup
	both.Go(func() {
		up = d.carry(ctx, far, io.MultiReader(bytes.NewReader(hello), near), near, limit{&d.up, maxUp})
	})
	both.Go(func() { down = d.carry(ctx, near, far, far, limit{&d.down, maxDown}) })
	both.Wait()
	return down, up, nil
}

// limit is how much may pass in one direction through the whole door.
type limit struct {
	used *atomic.Int64
	max  int64
}

// carry copies from one side to the other until the end, silence, or the limit.
func (d *Door) carry(ctx context.Context, to net.Conn, from io.Reader, source net.Conn, l limit) int64 {
	// One side's end is the other's: package clients do not close half.
	defer to.Close()     //nolint:errcheck // it is over
	defer source.Close() //nolint:errcheck // it is over
	buffer := make([]byte, 32<<10)
	var passed int64
	for ctx.Err() == nil {
		until := d.gate.cfg.Clock.Now().Add(maxIdle)
		if source.SetReadDeadline(until) != nil || to.SetWriteDeadline(until) != nil {
			break
		}
		n, err := from.Read(buffer)
		if l.used.Add(int64(n)) > l.max {
			d.log.WarnContext(ctx, "egress cut: too many bytes", "limit", l.max)
			break
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
			passed += int64(n)
		}
		if err != nil {
			break
		}
	}
	return passed
}

// encryptedHello is the extension that hides whom a connection wants (ECH).
const encryptedHello = 0xfe0d

// hello reads the first message of TLS and returns it, if it is for host.
func (d *Door) hello(ctx context.Context, host string, near net.Conn) ([]byte, error) {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		return nil, errHost
	}
	heard := &listener{Conn: near}
	stop := errors.New("heard enough")
	var asked *tls.ClientHelloInfo
	err = tls.Server(heard, &tls.Config{
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			asked = hello
			return nil, stop
		},
	}).HandshakeContext(ctx)
	if asked == nil {
		return nil, fmt.Errorf("%w: %w", errTLS, err)
	}
	if !strings.EqualFold(asked.ServerName, name) || slices.Contains(asked.Extensions, encryptedHello) {
		return nil, errTLS
	}
	return heard.heard.Bytes(), nil
}

// listener hears what comes and says nothing.
type listener struct {
	net.Conn
	heard bytes.Buffer
}

func (l *listener) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.heard.Write(b[:n])
	return n, err
}

func (l *listener) Write(b []byte) (int, error) { return len(b), nil }

// Close leaves the connection to whoever goes on with it.
func (l *listener) Close() error { return nil }
