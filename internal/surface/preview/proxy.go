package preview

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/surface/httpd"
)

const (
	// glance is how long opening a page waits for an app to start before it is told
	// that it starts; whatever else is asked cannot be told, so it waits for longer.
	glance   = 1500 * time.Millisecond
	patience = 20 * time.Second
	// answerTime is how long an app may think before its answer begins.
	answerTime = 60 * time.Second
	// mostHeader bounds the header of an app's answer.
	mostHeader = 64 << 10
	// mostConns bounds the connections to one app; more requests wait for one.
	mostConns = 256
)

// show passes a request on to the app, which is started for it.
func (s *Site) show(w http.ResponseWriter, v visit) error {
	wait := patience
	if isPage(v.r) && reads(v.r) {
		wait = glance
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), wait)
	standing, err := s.cfg.Apps.Wake(ctx, v.label)
	cancel()
	if err != nil {
		return err
	}
	if standing.State != hosting.Running {
		s.standing(w, v, standing)
		return nil
	}
	ctx, cancel = context.WithCancel(context.WithValue(v.r.Context(), visitKey{}, v))
	defer cancel()
	if lasts(v.r) {
		stop := cancelOn(ctx, httpd.Draining(ctx), cancel)
		defer stop()
	}
	r := v.r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = body{http.MaxBytesReader(w, r.Body, mostReceived), http.NewResponseController(w)}
	}
	s.proxy.ServeHTTP(w, r)
	return nil
}

// visitKey finds the visit in the context of the request that is passed on.
type visitKey struct{}

func visitIn(r *http.Request) visit {
	v, ok := r.Context().Value(visitKey{}).(visit)
	if !ok {
		panic("preview: a request that show did not pass on")
	}
	return v
}

// lasts reports whether a request is likely to go on until somebody ends it.
func lasts(r *http.Request) bool {
	return r.Header.Get("Upgrade") != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// cancelOn calls cancel when ended is closed before ctx is over, so that connections
// that last do not hold up a stop. The returned function waits until it will not any
// more.
func cancelOn(ctx context.Context, ended <-chan struct{}, cancel context.CancelFunc) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return func() { cancel(); <-done }
}

// transport speaks plain HTTP/1.1 over what Apps dials: the address that it is asked
// for is a label, so that connections to different apps are never mixed up.
func (s *Site) transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			label, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			conn, err := s.cfg.Apps.Dial(ctx, label)
			if err != nil {
				return nil, err
			}
			return wire{conn}, nil
		},
		Proxy: nil, DisableCompression: true, // what the browser asked for passes through
		MaxIdleConnsPerHost: 16, MaxConnsPerHost: mostConns, IdleConnTimeout: 30 * time.Second,
		ResponseHeaderTimeout: answerTime, MaxResponseHeaderBytes: mostHeader,
	}
}

func (s *Site) reverseProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        s.rewrite,
		Transport:      s.wire,
		FlushInterval:  -1, // event streams, and pages that come in parts
		ErrorLog:       slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		ModifyResponse: s.clean,
		ErrorHandler:   s.unanswered,
	}
}

// rewrite is what an app is told of a request.
func (s *Site) rewrite(p *httputil.ProxyRequest) {
	v := visitIn(p.In)
	p.Out.URL.Scheme, p.Out.URL.Host, p.Out.URL.User = "http", v.label, nil
	p.Out.URL.RawQuery = p.In.URL.RawQuery // nobody but the app reads it
	p.Out.Host = v.label + "." + s.cfg.URL.Host
	p.Out.Header = towardsApp(p.Out.Header)
	p.Out.Header.Set("X-Forwarded-Proto", s.cfg.URL.Scheme)
	p.Out.Header.Set("X-Forwarded-Host", p.Out.Host)
}

// clean is what leaves of an app's answer.
func (s *Site) clean(res *http.Response) error {
	v := visitIn(res.Request)
	if res.ContentLength > mostSent {
		return fault.New(fault.TooLarge, "", "The app answered with more than can be passed on.")
	}
	towardsBrowser(res.Header, v.as)
	res.Header.Add("Content-Security-Policy", "frame-ancestors "+s.ancestors())
	return nil
}

// ancestors are the pages an app may be shown on: ours, and its own.
func (s *Site) ancestors() string { return "'self' " + strings.Join(s.cfg.Frames, " ") }

// unanswered is called when an app did not answer, or not as HTTP asks.
func (s *Site) unanswered(w http.ResponseWriter, r *http.Request, err error) {
	v := visitIn(r)
	large := new(http.MaxBytesError)
	switch {
	case fault.Of(err) != nil:
	case errors.As(err, &large):
		err = fault.New(fault.TooLarge, "", "That is more than can be sent to an app at once (64 MB).").Because(err)
	default:
		err = fault.New(fault.Unavailable, "app_unanswered", "The app did not answer as it should.").WithRetry(retryPage).Because(err)
	}
	s.refuse(w, v.r, err)
}
