package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"cofounder/internal/platform/sandbox"

	"github.com/chromedp/chromedp"
)

// starting is how long Chromium may take to answer: on a busy machine it took 12 s.
const starting = 45 * time.Second

// Session is one browser on one app. Its methods are for one goroutine at a time.
type Session struct {
	browsers *Browsers
	cage     sandbox.Cage
	log      *slog.Logger

	tab    context.Context //nolint:containedctx // chromedp keeps a tab in a context
	stop   []context.CancelFunc
	groups sync.WaitGroup
	once   sync.Once // of over
	ended  sync.Once // of Close
	last   error
	seen   *watcher
}

// start brings the app into the cage, then Chromium.
func (s *Session) start(ctx context.Context, program string, app App) error {
	listener, err := s.cage.Listen(ctx, port)
	if err != nil {
		return fmt.Errorf("bring the app into the browser's cage: %w", err)
	}
	// Everything of the session lives until Close, whatever becomes of who opened it.
	life, stop := context.WithTimeout(context.WithoutCancel(ctx), s.browsers.cfg.Life)
	s.stop = append(s.stop, stop)
	context.AfterFunc(life, func() { _ = listener.Close() }) //nolint:errcheck // it is over
	s.groups.Go(func() { s.relay(life, listener, app) })

	pipe := s.chromium(life, program)
	allocator, stop := chromedp.NewAllocatorContext(life, launched{pipe})
	s.stop = append(s.stop, stop)
	tab, stop := chromedp.NewContext(allocator, chromedp.WithBrowserOption(
		chromedp.WithBrowserLogf(s.debug), chromedp.WithBrowserErrorf(s.debug)))
	s.stop = append(s.stop, stop)
	s.tab = tab
	return s.ready(ctx)
}

// ready waits for Chromium's first tab. The first action makes the tab, which lives as
// long as its context, so that the time limit is kept beside it.
func (s *Session) ready(ctx context.Context) error {
	done := make(chan error, 1)
	s.groups.Go(func() { done <- s.prepare() }) //nolint:contextcheck // a tab has a context of its own
	limit := time.NewTimer(starting)
	defer limit.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("start Chromium: %w", err)
		}
		return nil
	case <-limit.C:
		return fmt.Errorf("%w: Chromium did not start within %v", ErrAbsent, starting)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Session) debug(format string, args ...any) {
	s.log.Debug("chromium", "says", sandbox.PlainText(fmt.Appendf(nil, format, args...)))
}

// relay passes the connections that Chromium makes on to the app.
func (s *Session) relay(ctx context.Context, listener net.Listener, app App) {
	for {
		in, err := listener.Accept()
		if err != nil {
			return // closed
		}
		s.groups.Go(func() {
			out, err := app.Dial(ctx)
			if err != nil {
				_ = in.Close() //nolint:errcheck // the browser sees a refused connection
				return
			}
			join(ctx, in, out)
		})
	}
}

// join copies both ways until both ends are through, or ctx ends.
func join(ctx context.Context, a, b net.Conn) {
	stop := context.AfterFunc(ctx, func() { _, _ = a.Close(), b.Close() }) //nolint:errcheck // it is over
	defer stop()
	var both sync.WaitGroup
	for _, way := range [2][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) //nolint:errcheck // whoever broke off knows
			if half, ok := way[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite() //nolint:errcheck // see above
				return
			}
			_ = way[0].Close() //nolint:errcheck // see above
		})
	}
	both.Wait()
	_, _ = a.Close(), b.Close() //nolint:errcheck // see above
}

// chromium runs the program, its debugging pipe on stdin and stdout, and returns the
// other end.
func (s *Session) chromium(life context.Context, program string) *chromedp.PipeConn {
	toRead, toWrite := io.Pipe()
	fromRead, fromWrite := io.Pipe()
	s.groups.Go(func() {
		var complaint head
		exit, err := s.cage.Exec(life, sandbox.Command{
			Args:  append([]string{"/bin/sh", "-c", `exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null`, program}, flags()...),
			Stdin: toRead, Stdout: fromWrite, Stderr: &complaint,
		})
		if err == nil {
			err = fmt.Errorf("chromium ended with %d: %s", exit.Code, sandbox.PlainText([]byte(complaint.String())))
		}
		fromWrite.CloseWithError(err)
		toRead.CloseWithError(err)
	})
	return chromedp.NewPipeConn(&bounded{ReadCloser: fromRead}, toWrite)
}

// flags are those of a browser that is alone: no sandbox of its own, since it runs in
// ours, no services, nothing that phones home, no GPU.
func flags() []string {
	return []string{
		"--headless", "--remote-debugging-pipe", "--no-sandbox", "--user-data-dir=" + sandbox.Home + "/chromium",
		"--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--no-default-browser-check",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--disable-default-apps", "--disable-breakpad", "--metrics-recording-only", "--mute-audio", "--hide-scrollbars",
		"--force-color-profile=srgb", "--password-store=basic", "--disable-features=Translate,MediaRouter,OptimizationHints,DialMediaRouteProvider",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost", "about:blank",
	}
}

// launched is an allocator of the one Chromium that runs already.
type launched struct{ pipe *chromedp.PipeConn }

// Allocate implements chromedp.Allocator.
func (l launched) Allocate(ctx context.Context, opts ...chromedp.BrowserOption) (*chromedp.Browser, error) {
	return chromedp.NewBrowserTransport(ctx, l.pipe, opts...)
}

// Wait implements chromedp.Allocator.
func (l launched) Wait() {}

// Attaches implements chromedp.Attacher: the session ends Chromium, not chromedp.
func (l launched) Attaches() bool { return true }

// Close ends the session and everything of it. It may be called many times.
func (s *Session) Close(ctx context.Context) error {
	s.ended.Do(func() {
		s.last = s.end(ctx)
		<-s.browsers.turns
	})
	return s.last
}

func (s *Session) end(ctx context.Context) error {
	err := s.cage.Destroy(ctx) // first, so that nobody waits for Chromium to say goodbye
	s.over()
	s.groups.Wait()
	return err
}

// over ends what the session does; chromedp's contexts may be stopped only once.
func (s *Session) over() {
	s.once.Do(func() {
		for _, stop := range slices.Backward(s.stop) {
			stop()
		}
	})
}

// fonts are the folders that Chromium finds letters by, where this machine has them.
func fonts() []sandbox.Mount {
	var mounts []sandbox.Mount
	for _, dir := range []string{"/etc/fonts", "/etc/chromium"} {
		if _, err := os.Stat(dir); err == nil {
			mounts = append(mounts, sandbox.Mount{Host: dir, Inside: dir})
		}
	}
	return mounts
}

// head keeps the beginning of what is written.
type head struct {
	sync.Mutex
	b strings.Builder
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	const most = 4 << 10
	h.Lock()
	defer h.Unlock()
	h.b.Write(p[:min(len(p), most-min(most, h.b.Len()))])
	return len(p), nil
}

func (h *head) String() string {
	h.Lock()
	defer h.Unlock()
	return h.b.String()
}

// bounded ends a stream of messages, each closed by a zero byte, when one is too long
// to be honest.
type bounded struct {
	io.ReadCloser
	since int
}

const longestMessage = 64 << 20

var errTooLong = errors.New("chromium sent more in one message than a picture can be")

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	for i := n - 1; i >= 0; i-- {
		if p[i] == 0 {
			b.since = n - 1 - i
			return n, err
		}
	}
	if b.since += n; b.since > longestMessage {
		return n, errTooLong
	}
	return n, err
}
