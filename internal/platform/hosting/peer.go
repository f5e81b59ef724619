package hosting

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	// greeting bounds connecting to another process and its first answer; asking it to
	// stop or save takes longer.
	greeting = 3 * time.Second
	errand   = 30 * time.Second
	mostLine = 200
)

// errElsewhere is the answer of a process that does not run an app.
var errElsewhere = errors.New("that process does not run the app")

// peer is how processes of one installation reach each other's apps: TLS 1.3 in which
// both sides show the certificate that follows from the installation's key, so that
// nobody else can take part, listen or change a byte. A connection begins with a line
// "owner verb label", answered with "ok" or "no"; then it is the app's, or carries its
// output.
type peer struct {
	host    *Host
	address string // where others reach us
	tls     *tls.Config

	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]struct{}
	work     sync.WaitGroup
	shut     bool
}

func listenPeer(ctx context.Context, h *Host) (*peer, error) {
	config, err := mutual(h.cfg.Key)
	if err != nil {
		return nil, err
	}
	address := h.cfg.PeerAddr
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for other processes at %s (COFOUNDER_PEER_ADDR): %w", address, err)
	}
	if h.cfg.PeerAddr == "" {
		address = l.Addr().String()
	}
	return &peer{host: h, address: address, tls: config, listener: l, open: map[net.Conn]struct{}{}}, nil
}

// mutual is a TLS configuration, for both sides, that accepts the holder of key alone.
func mutual(key ed25519.PrivateKey) (*tls.Config, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("hosting: no key for peers")
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}
	der, err := x509.CreateCertificate(nil, template, template, public, key)
	if err != nil {
		return nil, fmt.Errorf("certify key for peers: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		ClientAuth:   tls.RequireAnyClientCert,
		// The name and issuer of a certificate say nothing here; its key does. TLS has
		// the other side prove that it holds it.
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection compares the key instead
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 || !public.Equal(state.PeerCertificates[0].PublicKey) {
				return errors.New("not a process of this installation")
			}
			return nil
		},
		SessionTicketsDisabled: true,
	}, nil
}

// serve answers until ctx ends; connections that are in use then last until close.
func (p *peer) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = p.listener.Close() }) //nolint:errcheck // Accept says so
	defer stop()
	ctx = context.WithoutCancel(ctx)
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.host.cfg.Log.WarnContext(ctx, "connection of another process not taken", "err", err)
			pause(ctx) // out of descriptors, perhaps
			continue
		}
		p.mu.Lock()
		if p.shut {
			p.mu.Unlock()
			_ = conn.Close() //nolint:errcheck // nobody was told anything
			return
		}
		p.open[conn] = struct{}{}
		p.work.Go(func() { p.answer(ctx, conn) })
		p.mu.Unlock()
	}
}

// close ends all connections.
func (p *peer) close() error {
	p.mu.Lock()
	p.shut = true
	for conn := range p.open {
		_ = conn.Close() //nolint:errcheck // whoever uses it sees the end
	}
	p.mu.Unlock()
	err := p.listener.Close()
	p.work.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop listening for other processes: %w", err)
	}
	return nil
}

// answer serves one connection.
func (p *peer) answer(ctx context.Context, raw net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn := tls.Server(raw, p.tls)
	defer func() {
		p.mu.Lock()
		delete(p.open, raw)
		p.mu.Unlock()
		_ = conn.Close() //nolint:errcheck // it is over either way
	}()
	if conn.SetDeadline(now().Add(greeting)) != nil {
		return
	}
	in := bufio.NewReaderSize(conn, mostLine)
	line, err := in.ReadSlice('\n')
	if err != nil {
		return // not one of us, or gone
	}
	words := strings.Fields(string(line))
	if len(words) != 3 || words[0] != p.host.cfg.Name || conn.SetDeadline(time.Time{}) != nil {
		refuse(conn)
		return
	}
	p.host.mu.Lock()
	i := p.host.instances[words[2]]
	p.host.mu.Unlock()
	if i == nil {
		refuse(conn)
		return
	}
	if err := i.serve1(ctx, words[1], in, conn); err != nil {
		p.host.cfg.Log.DebugContext(ctx, "request of another process not served", "verb", words[1], "label", words[2], "err", err)
	}
}

func refuse(conn net.Conn) { _, _ = io.WriteString(conn, "no\n") } //nolint:errcheck // who left needs no answer

func accept(conn net.Conn) error {
	_, err := io.WriteString(conn, "ok\n")
	return err
}

// serve1 does what another process asks of an instance.
func (i *instance) serve1(ctx context.Context, verb string, in io.Reader, conn *tls.Conn) error {
	switch verb {
	case "reach":
		if i.unreachable() {
			refuse(conn)
			return nil
		}
		return accept(conn)
	case "dial":
		app, err := i.dial(ctx)
		if err != nil {
			refuse(conn)
			return err
		}
		if err := accept(conn); err != nil {
			return errors.Join(err, app.Close())
		}
		splice(in, conn, app)
		return nil
	case "save":
		if err := i.saveNow(ctx); err != nil {
			refuse(conn)
			return err
		}
		return accept(conn)
	case "stop", "outdate":
		if err := i.host.end(ctx, i.Label, verb); err != nil {
			refuse(conn)
			return err
		}
		return accept(conn)
	case "output":
		if err := accept(conn); err != nil {
			return err
		}
		// A reader that leaves says so by closing.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			_, _ = io.Copy(io.Discard, in) //nolint:errcheck // its end is all that counts
			cancel()
		}()
		return i.follow(ctx, func(text string) error {
			_, err := io.WriteString(conn, text)
			return err
		})
	}
	refuse(conn)
	return fmt.Errorf("unknown verb %q", verb)
}

func (i *instance) unreachable() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.standing.State != Running || i.why != nil
}

// splice passes bytes both ways until both ends are done, or one fails.
func splice(in io.Reader, conn *tls.Conn, app net.Conn) {
	var up sync.WaitGroup
	up.Go(func() {
		if _, err := io.Copy(app, in); err != nil || closeWrite(app) != nil {
			_ = app.Close() //nolint:errcheck // the other direction sees it
		}
	})
	if _, err := io.Copy(conn, app); err != nil || conn.CloseWrite() != nil {
		_ = conn.Close() //nolint:errcheck // the other direction sees it
	}
	// What the app has no more to say to, need not be said.
	_ = app.Close()  //nolint:errcheck // as above
	_ = conn.Close() //nolint:errcheck // as above
	up.Wait()
}

// closeWrite ends one direction of a connection that can; where it cannot, the end
// comes with Close.
func closeWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// call connects to the owner of an app and asks it for something.
func (p *peer) call(ctx context.Context, r record, verb string, patience time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: greeting}, Config: p.tls}
	conn, err := dialer.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return nil, fmt.Errorf("reach the process that runs the app: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // it fails with the connection
	answer := make([]byte, len("ok\n"))
	_, err = io.WriteString(conn, r.owner+" "+verb+" "+r.Label+"\n")
	if err == nil {
		_, err = io.ReadFull(conn, answer)
	}
	if err == nil && string(answer) != "ok\n" {
		err = errElsewhere
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask the process that runs the app to %s: %w", verb, err), conn.Close())
	}
	return conn, nil
}

// ask has the owner of an app do something with it.
func (p *peer) ask(ctx context.Context, r record, verb string) error {
	conn, err := p.call(ctx, r, verb, errand)
	if err != nil {
		return err
	}
	return conn.Close()
}

// reach asks whether an app can be connected to.
func (p *peer) reach(ctx context.Context, r record) error {
	conn, err := p.call(ctx, r, "reach", greeting)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dial connects to an app that another process runs.
func (p *peer) dial(ctx context.Context, r record) (net.Conn, error) {
	return p.call(ctx, r, "dial", greeting)
}

// follow passes on what an app writes that another process runs.
func (p *peer) follow(ctx context.Context, r record, each func(text string) error) error {
	conn, err := p.call(ctx, r, "output", greeting)
	if err != nil {
		return err
	}
	defer conn.Close()                                                               //nolint:errcheck // only read
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // it fails with the connection
	defer stop()
	in := bufio.NewReader(conn)
	for {
		text, err := in.ReadString('\n')
		if text != "" {
			if err := each(text); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("read output of app: %w", err)
		}
	}
}
