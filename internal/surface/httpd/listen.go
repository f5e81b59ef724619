package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Listen takes the address and returns it as a browser would write it, with the
// real port when 0 was asked for. An error says what stands in the way and what
// to do. Run calls it when nobody has.
func (s *Server) Listen(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.listeners) == 0 {
		// Series an alert watches exist from the start, or their first
		// increase is not seen.
		s.measures.start(ctx)
		listeners, err := listen(ctx, s.cfg.Addr)
		if err != nil {
			return "", err
		}
		s.listeners = listeners
	}
	host, _, err := net.SplitHostPort(s.cfg.Addr)
	if err != nil {
		return "", fmt.Errorf("read address %s: %w", s.cfg.Addr, err)
	}
	_, port, err := net.SplitHostPort(s.listeners[0].Addr().String())
	if err != nil {
		return "", fmt.Errorf("read address %s: %w", s.listeners[0].Addr(), err)
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

// portTries bounds the search for a port free on both loopback addresses.
const portTries = 20

// listen opens addr; the name localhost is both loopback addresses, since a
// browser may try either first.
func listen(ctx context.Context, addr string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read address %s: %w", addr, err)
	}
	if !strings.EqualFold(host, "localhost") {
		l, err := listenOne(ctx, addr)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	for try := 1; ; try++ {
		listeners, err := listenBoth(ctx, port)
		if err == nil || port != "0" || try == portTries || !errors.Is(err, syscall.EADDRINUSE) {
			return listeners, err
		}
	}
}

func listenBoth(ctx context.Context, port string) ([]net.Listener, error) {
	four, err := listenOne(ctx, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	if port == "0" {
		if _, port, err = net.SplitHostPort(four.Addr().String()); err != nil {
			return nil, errors.Join(err, four.Close())
		}
	}
	six, err := listenOne(ctx, net.JoinHostPort("::1", port))
	switch {
	case err == nil:
		return []net.Listener{four, six}, nil
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return []net.Listener{four}, nil // this computer has no IPv6
	}
	return nil, errors.Join(err, four.Close())
}

func listenOne(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, explain(ctx, addr, err)
	}
	return l, nil
}

// explain adds what to do to the errors people meet.
func explain(ctx context.Context, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		by := "another program"
		if answersAsUs(ctx, addr) {
			by = "another cofounder"
		}
		return fmt.Errorf("%s is in use by %s: stop it, or choose another port with COFOUNDER_ADDR (for example %s): %w",
			addr, by, nextPort(addr), err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s: choose a port above 1023 with COFOUNDER_ADDR (for example localhost:8080): %w", addr, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this computer: correct COFOUNDER_ADDR: %w", addr, err)
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}

// answersAsUs asks whoever holds the port. Not knowing in half a second is no.
func answersAsUs(ctx context.Context, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	if host, port, err := net.SplitHostPort(addr); err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
		addr = net.JoinHostPort("127.0.0.1", port)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+livez, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	var body standing
	return json.NewDecoder(io.LimitReader(res.Body, 1<<10)).Decode(&body) == nil && body.Service == service
}

func nextPort(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "localhost:8081"
	}
	if host == "127.0.0.1" || host == "::1" {
		host = "localhost"
	}
	n, err := strconv.Atoi(port)
	if err != nil || n >= 65535 {
		n = 8080
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}
