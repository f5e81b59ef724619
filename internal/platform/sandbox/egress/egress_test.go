package egress_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cofounder/internal/base/clock"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/egress"

	"github.com/google/go-cmp/cmp"
)

// fakeCage is a cage whose inside is this machine's loopback.
type fakeCage struct {
	sandbox.Cage
	address chan string
}

func (c *fakeCage) ID() string { return "cage" }

func (c *fakeCage) Listen(ctx context.Context, _ int) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		c.address <- l.Addr().String()
	}
	return l, err
}

// world is a registry, a gate to it, and a door.
type world struct {
	registry *httptest.Server
	port     string
	hits     atomic.Int64
	lookups  atomic.Int64
	answers  []string // addresses that the resolver gives, one for each time it is asked
	log      *record
	door     *egress.Door
	proxy    string
}

// record keeps log lines.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// newWorld opens a door. The registry's certificate is for example.com.
func newWorld(t *testing.T, change func(*world, *egress.Config)) *world {
	t.Helper()
	w := &world{log: &record{}, answers: []string{"127.0.0.1"}}
	w.registry = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.hits.Add(1)
		if _, err := io.WriteString(rw, "package "+r.URL.Path); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(w.registry.Close)
	w.port = w.registry.URL[strings.LastIndex(w.registry.URL, ":")+1:]
	cfg := egress.Config{
		Hosts: []string{"example.com:" + w.port, "evil.example.com:" + w.port}, Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			n := w.lookups.Add(1)
			return []netip.Addr{netip.MustParseAddr(w.answers[min(int(n), len(w.answers))-1])}, nil
		},
	}
	if change != nil {
		change(w, &cfg)
	}
	gate, err := egress.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cage := &fakeCage{address: make(chan string, 1)}
	w.door, err = gate.Open(t.Context(), cage)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.door.Close)
	w.proxy = <-cage.address
	return w
}

// client goes through the door, and trusts the registry.
func (w *world) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(w.registry.Certificate())
	return &http.Client{Transport: &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: w.proxy}),
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
	}}
}

func get(t *testing.T, c *http.Client, address string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", res.Status, text)
	}
	return string(text), err
}

func TestPackagesPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for range 3 {
		if got, err := get(t, w.client(), "https://example.com:"+w.port+"/left-pad"); err != nil || got != "package /left-pad" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	w.door.Close()
	if down, up := w.door.Used(); down == 0 || up == 0 {
		t.Errorf("counted %d bytes down and %d up", down, up)
	}
	if log := w.log.String(); strings.Count(log, "egress allowed") != 3 || !strings.Contains(log, "cage=cage") {
		t.Errorf("the log says %s", log)
	}
	if got, err := get(t, w.client(), "https://example.com:"+w.port+"/left-pad"); err == nil {
		t.Errorf("through a closed door came %q", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		request string // PORT is the registry's
		change  func(*world, *egress.Config)
		says    string
	}{
		"another host":        {request: "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", says: "not on the list"},
		"another port":        {request: "CONNECT example.com:22 HTTP/1.1\r\nHost: example.com:22\r\n\r\n", says: "not on the list"},
		"its address":         {request: "CONNECT 127.0.0.1:PORT HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n", says: "not on the list"},
		"metadata":            {request: "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n", says: "not on the list"},
		"a name below":        {request: "CONNECT x.example.com:PORT HTTP/1.1\r\nHost: x.example.com:PORT\r\n\r\n", says: "not on the list"},
		"a dot at the end":    {request: "CONNECT example.com.:PORT HTTP/1.1\r\nHost: example.com.:PORT\r\n\r\n", says: "not on the list"},
		"a user":              {request: "CONNECT a@example.com:PORT HTTP/1.1\r\nHost: a@example.com:PORT\r\n\r\n", says: "4"},
		"two hosts":           {request: "CONNECT example.org:443 HTTP/1.1\r\nHost: example.com:PORT\r\n\r\n", says: "403"},
		"plain HTTP":          {request: "GET http://example.com:PORT/ HTTP/1.1\r\nHost: example.com:PORT\r\n\r\n", says: "403"},
		"the proxy itself":    {request: "GET / HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n", says: "403"},
		"not even HTTP":       {request: "\x16\x03\x01\x00\x05hello\r\n\r\n", says: "400"},
		"smuggled in headers": {request: "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nX: a\r\n b\r\nHost: example.com:PORT\r\n\r\n", says: "4"},
		"no private addresses": {
			request: "CONNECT example.com:PORT HTTP/1.1\r\nHost: example.com:PORT\r\n\r\n",
			change:  func(_ *world, c *egress.Config) { c.Private = nil }, says: "may not be reached",
		},
		"a private address beside the allowed one": {
			request: "CONNECT example.com:PORT HTTP/1.1\r\nHost: example.com:PORT\r\n\r\n",
			change:  func(w *world, _ *egress.Config) { w.answers = []string{"127.0.0.2"} }, says: "may not be reached",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.change)
			answer := w.raw(t, strings.ReplaceAll(c.request, "PORT", w.port), nil)
			if !strings.Contains(answer, c.says) || strings.Contains(answer, "200") {
				t.Errorf("answered %q, want %q", answer, c.says)
			}
			if n := w.hits.Load(); n != 0 {
				t.Errorf("the registry was reached %d times", n)
			}
		})
	}
}

// raw sends bytes to the proxy, then more after its first line, and returns all it
// says until it hangs up.
func (w *world) raw(t *testing.T, request string, more []byte) string {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", w.proxy)
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp(t, conn)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	first, err := reader.ReadString('\n')
	if err != nil {
		t.Fatalf("the proxy hung up at once: %v", err)
	}
	// From here on it may hang up at any moment.
	_, writeErr := conn.Write(more)
	if tcp, ok := conn.(*net.TCPConn); ok {
		writeErr = errors.Join(writeErr, tcp.CloseWrite())
	}
	rest, readErr := io.ReadAll(reader)
	if writeErr != nil || readErr != nil {
		t.Logf("it hung up: %v, %v", writeErr, readErr)
	}
	return first + string(rest)
}

func hangUp(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16",
		"192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1", "fd00:ec2::254", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "fec0::1",
	} {
		w := newWorld(t, func(w *world, c *egress.Config) { w.answers, c.Private = []string{address}, nil })
		answer := w.raw(t, "CONNECT example.com:"+w.port+" HTTP/1.1\r\nHost: example.com:"+w.port+"\r\n\r\n", nil)
		if !strings.Contains(answer, "403") || !strings.Contains(answer, "may not be reached") {
			t.Errorf("%s: answered %q", address, answer)
		}
	}
}

// TestRebinding: a name that changes its address after it was checked is not asked
// again.
func TestRebinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world, _ *egress.Config) { w.answers = []string{"127.0.0.1", "169.254.169.254"} })
	if _, err := get(t, w.client(), "https://example.com:"+w.port+"/"); err != nil {
		t.Fatal(err)
	}
	if n := w.lookups.Load(); n != 1 {
		t.Errorf("looked up %d times", n)
	}
	if _, err := get(t, w.client(), "https://example.com:"+w.port+"/"); err == nil {
		t.Error("the second time it led elsewhere, and was followed")
	}
}

// TestOnlyTLSForTheHostPasses: a host on the list is no tunnel to anything else that
// lives at its address.
func TestOnlyTLSForTheHostPasses(t *testing.T) {
	t.Parallel()
	for name, first := range map[string][]byte{
		"plain HTTP":       []byte("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"),
		"SSH":              []byte("SSH-2.0-x\r\n"),
		"nothing":          {},
		"another name":     clientHello(t, &tls.Config{ServerName: "evil.example.com"}),
		"no name":          clientHello(t, &tls.Config{InsecureSkipVerify: true}),
		"an address":       clientHello(t, &tls.Config{ServerName: "127.0.0.1"}),
		"half a hello":     clientHello(t, &tls.Config{ServerName: "example.com"})[:40],
		"a hidden name":    hidden(clientHello(t, &tls.Config{ServerName: "example.com"})),
		"two TLS versions": append([]byte{0x80, 0x2e, 1, 3, 1}, make([]byte, 43)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			answer := w.raw(t, "CONNECT example.com:"+w.port+" HTTP/1.1\r\nHost: example.com:"+w.port+"\r\n\r\n", first)
			if rest := strings.TrimPrefix(answer, "HTTP/1.1 200 Connection established\r\n\r\n"); rest != "" {
				t.Errorf("answered %q", rest)
			}
			w.door.Close()
			if n := w.hits.Load(); n != 0 {
				t.Errorf("the registry was reached %d times", n)
			}
			if log := w.log.String(); !strings.Contains(log, "only TLS for the host") {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

// clientHello returns the first bytes of a TLS client.
func clientHello(t *testing.T, config *tls.Config) []byte {
	t.Helper()
	here, there := net.Pipe()
	ended := make(chan error)
	go func() { ended <- tls.Client(here, config).HandshakeContext(t.Context()) }()
	hello := make([]byte, 4096)
	n, err := there.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	hangUp(t, there)
	if err := <-ended; err == nil {
		t.Fatal("a handshake without an answer went well")
	}
	return hello[:n]
}

// hidden adds the extension of an encrypted hello to one.
func hidden(hello []byte) []byte {
	at := 5 + 4 + 2 + 32
	at += 1 + int(hello[at])                          // session
	at += 2 + int(hello[at])<<8 + int(hello[at+1])    // ciphers
	at += 1 + int(hello[at])                          // compression
	extension := []byte{0xfe, 0x0d, 0, 4, 0, 0, 0, 0} // an outer hello, more or less
	out := append(bytes.Clone(hello), extension...)   // at the end
	grow := func(at, bytes int) {                     // a length field
		n := 0
		for i := range bytes {
			n = n<<8 | int(out[at+i])
		}
		n += len(extension)
		for i := range bytes {
			out[at+i] = byte(n >> (8 * (bytes - 1 - i)))
		}
	}
	grow(3, 2)
	grow(6, 3)
	grow(at, 2)
	return out
}

func TestThroughAProxyOfTheMachine(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		var dialer net.Dialer
		far, err := dialer.DialContext(r.Context(), "tcp", "127.0.0.1"+r.Host[strings.LastIndex(r.Host, ":"):])
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		near, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			_, err = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		}
		if err != nil {
			t.Error(err)
			return
		}
		var both sync.WaitGroup
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			both.Go(func() {
				if _, err := io.Copy(way[0], way[1]); err != nil && !errors.Is(err, net.ErrClosed) {
					t.Logf("the proxy of the machine: %v", err)
				}
				hangUp(t, way[0])
			})
		}
		both.Wait()
	}))
	t.Cleanup(proxy.Close)
	w := newWorld(t, func(_ *world, c *egress.Config) {
		c.Private = nil
		c.Proxy = func(*url.URL) (*url.URL, error) {
			return url.Parse(strings.Replace(proxy.URL, "http://", "http://me:secret@", 1))
		}
	})
	if got, err := get(t, w.client(), "https://example.com:"+w.port+"/x"); err != nil || got != "package /x" {
		t.Fatalf("got %q, %v", got, err)
	}
	if got, want := <-asked, "CONNECT example.com:"+w.port+" Basic bWU6c2VjcmV0"; got != want {
		t.Errorf("the proxy was asked %q, want %q", got, want)
	}
	if _, err := get(t, w.client(), "https://example.org:"+w.port+"/x"); err == nil {
		t.Error("the list does not hold through a proxy")
	}
	if strings.Contains(w.log.String(), "secret") {
		t.Error("the proxy's password is in the log")
	}
}

func TestNewRefusesPatterns(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"example.com", "*.example.com:443", "https://example.com:443", ":443", "a@b:1", ""} {
		if _, err := egress.New(egress.Config{Hosts: []string{host}}); err == nil {
			t.Errorf("%q is on the list", host)
		}
	}
	asked := 0
	g, err := egress.New(egress.Config{
		Hosts: []string{"B.example:443", "a.example:443", "b.example:443"},
		Registries: func(context.Context) []egress.Registry {
			asked++
			return []egress.Registry{{Client: "go", Hosts: []string{"a.example:443", "c.example:443"}}}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if diff := cmp.Diff([]string{"a.example:443", "b.example:443", "c.example:443"}, g.Hosts(t.Context())); diff != "" {
			t.Error(diff)
		}
	}
	if asked != 1 {
		t.Errorf("the package clients were asked %d times", asked)
	}
}
