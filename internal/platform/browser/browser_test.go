package browser_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/platform/browser"
	"cofounder/internal/platform/sandbox/sandboxtest"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	sandboxtest.Init()
	m.Run()
}

// open starts a browser on pages.
func open(t *testing.T, pages http.Handler) *browser.Session {
	t.Helper()
	b := browser.New("test", browser.Config{
		Driver: sandboxtest.New(t), Program: browser.Find, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	s, err := b.Open(t.Context(), browser.DialFunc(func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}))
	if err != nil {
		t.Fatalf("open a browser; ./do test installs Chromium: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

const style = `<style>body{font:18px sans-serif;background:#fff;color:#222} header{background:#2347c5;color:#fff;padding:2rem}</style>`

// shop is a small app that keeps bookings, and has pages with something wrong.
type shop struct {
	mu       sync.Mutex
	bookings []string
}

func (a *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	html := func(format string, args ...any) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Pawbook</title>`+style+format, args...); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	switch r.URL.Path {
	case "/":
		a.mu.Lock()
		defer a.mu.Unlock()
		html(`<header><h1>Bookings</h1></header><main><p>%d bookings so far</p><ul>%s</ul><a href="/new">Add a booking</a>
			<button disabled>Print</button></main>`, len(a.bookings), strings.Join(a.bookings, ""))
	case "/new":
		html(`<header><h1>New booking</h1></header><main><form method="post" action="/save">
			<label>Dog <input name="dog" required></label>
			<label>Day <input name="day" type="date"></label>
			<label>Walker <select name="walker"><option>Anna</option><option>Ben</option></select></label>
			<label><input type="checkbox" name="paid"> Paid</label>
			<button>Save booking</button></form></main>`)
	case "/save":
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		a.mu.Lock()
		a.bookings = append(a.bookings, fmt.Sprintf("<li>%s on %s with %s, paid %s</li>",
			r.Form.Get("dog"), r.Form.Get("day"), r.Form.Get("walker"), r.Form.Get("paid")))
		a.mu.Unlock()
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case "/trouble":
		html(`<h1>A page with plenty of trouble</h1><img src="/gone.png" alt="gone"><img src="https://tracker.example.com/p.gif" alt="">
			<script>console.error('booking', 7, 'not saved'); setTimeout(() => { missing() }, 0); alert('hello')</script>`)
	case "/blank":
		html(`<body></body>`)
	case "/hidden":
		html(`<body style="color:#fff"><p>White words on white paper, so that nobody can read them.</p></body>`)
	case "/template":
		html(`<h1>Welcome to your new app. Edit this page to begin.</h1>`)
	case "/covered":
		html(`<button>Press me</button><p>There is a sheet in front of the button.</p>
			<div style="position:fixed;inset:0;background:rgba(0,0,0,.1)"></div>`)
	case "/many":
		html(`<p>Three of the same here, and one more.</p><button>Delete</button><button>Delete</button><button hidden>Delete</button><button>Delete all</button>`)
	case "/slow":
		html(`<p>Please wait a moment for it.</p><p id="late"></p><script>setTimeout(() => { late.textContent = 'It has arrived' }, 700)</script>`)
	case "/escape":
		html(`<h1>A page that looks around</h1><p id="out">looking</p><script>
			const say = s => { out.textContent += ' ' + s };
			for (const to of ['http://127.0.0.1:9222/json/version', 'http://10.0.0.1/', 'file:///etc/passwd', 'http://metadata.google.internal/'])
				fetch(to, {mode: 'no-cors'}).then(() => say('REACHED ' + to), () => say('nothing'));
		</script>`)
	default:
		http.NotFound(w, r)
	}
}

func TestLook(t *testing.T) { //nolint:tparallel // one browser, one page at a time
	t.Parallel()
	s := open(t, &shop{})
	for name, c := range map[string]struct {
		path    string
		blank   string
		trouble browser.Trouble
	}{
		"a good page": {path: "/"},
		"trouble": {path: "/trouble", trouble: browser.Trouble{
			Console:  []string{"booking 7 not saved", "ReferenceError: missing is not defined"},
			Failed:   []string{"GET /gone.png was answered 404"},
			External: []string{"https://tracker.example.com"},
			Dialogs:  []string{"hello"},
		}},
		"a blank page":       {path: "/blank", blank: "hardly a word"},
		"words nobody sees":  {path: "/hidden", blank: "one colour"},
		"a template":         {path: "/template", blank: "template"},
		"a page that is not": {path: "/nowhere", blank: "", trouble: browser.Trouble{Failed: []string{"GET /nowhere was answered 404"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.Look(t.Context(), browser.Look{Path: c.path, Screen: browser.Desktop(), Markers: []string{"Edit this page"}})
			if err != nil {
				t.Fatal(err)
			}
			if c.path != "/nowhere" && (got.Blank.Blank != (c.blank != "") || !strings.Contains(got.Blank.Why, c.blank)) {
				t.Errorf("blank: %+v, want %q", got.Blank, c.blank)
			}
			slices.Sort(got.Trouble.Console)
			slices.Sort(c.trouble.Console)
			if diff := cmp.Diff(c.trouble, got.Trouble); diff != "" {
				t.Errorf("trouble (-want +got):\n%s", diff)
			}
			size, err := jpeg.DecodeConfig(bytes.NewReader(got.Picture.JPEG))
			if err != nil || size.Width != 1280 || size.Height != 800 {
				t.Errorf("picture %d × %d, %v", size.Width, size.Height, err)
			}
		})
	}
}

func TestLookSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	s := open(t, &shop{})
	got, err := s.Look(t.Context(), browser.Look{Path: "/", Screen: browser.Phone(), Accessible: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Title != "Pawbook" || !strings.Contains(got.Text, "0 bookings so far") || got.Path != "/" || got.Picture.Width != 390 {
		t.Errorf("%q %q at %s, %d wide", got.Title, got.Text, got.Path, got.Picture.Width)
	}
	for _, want := range []string{`heading "Bookings"`, `link "Add a booking"`, `button "Print"`} {
		if !strings.Contains(got.Outline, want) {
			t.Errorf("outline has no %s:\n%s", want, got.Outline)
		}
	}
	if got.Barriers == nil {
		t.Error("axe was not asked")
	}
	if slices.ContainsFunc(got.Barriers, func(b browser.Barrier) bool { return b.Rule == "" || b.Places == 0 }) {
		t.Errorf("barriers %+v", got.Barriers)
	}
}

func TestWalk(t *testing.T) { //nolint:tparallel // one browser, one page at a time
	t.Parallel()
	s := open(t, &shop{})
	button := func(name string) browser.Target { return browser.Target{Role: "button", Name: name} }
	for name, c := range map[string]struct {
		steps  []browser.Step
		failed string
	}{
		"a booking": {steps: []browser.Step{
			{Do: browser.Open, Value: "/"},
			{Do: browser.Expect, Value: "bookings so far"},
			{Do: browser.Absent, Value: "Rex"},
			{Do: browser.Press, Target: browser.Target{Role: "link", Name: "Add a booking"}},
			{Do: browser.Fill, Target: browser.Target{Role: "textbox", Name: "Dog"}, Value: "Rex"},
			{Do: browser.Fill, Target: browser.Target{Name: "Day"}, Value: "2026-12-01"},
			{Do: browser.Select, Target: browser.Target{Name: "Walker"}, Value: "ben"},
			{Do: browser.Fill, Target: browser.Target{Role: "checkbox", Name: "Paid"}, Value: "yes"},
			{Do: browser.Press, Target: button("Save booking")},
			{Do: browser.Expect, Value: "Rex on 2026-12-01 with Ben, paid on"},
			{Do: browser.Expect, Target: browser.Target{Selector: "ul li"}, Value: "rex"},
		}},
		"what comes late is waited for": {steps: []browser.Step{
			{Do: browser.Open, Value: "/slow"}, {Do: browser.Expect, Value: "It has arrived"},
		}},
		"a part of a name": {steps: []browser.Step{
			{Do: browser.Open, Value: "/many"}, {Do: browser.Press, Target: button("delete a")},
		}},
		"words that are not there": {[]browser.Step{
			{Do: browser.Open, Value: "/"}, {Do: browser.Expect, Value: "Balance"},
		}, `no words "Balance"`},
		"words that should not be": {[]browser.Step{
			{Do: browser.Open, Value: "/"}, {Do: browser.Absent, Value: "so far"},
		}, "should not be there"},
		"a thing that is not there": {[]browser.Step{
			{Do: browser.Open, Value: "/"}, {Do: browser.Press, Target: button("Pay")},
		}, `no button "Pay"`},
		"more than one is meant": {[]browser.Step{
			{Do: browser.Open, Value: "/many"}, {Do: browser.Press, Target: button("Delete")},
		}, "2 of button"},
		"switched off": {[]browser.Step{
			{Do: browser.Open, Value: "/"}, {Do: browser.Press, Target: button("Print")},
		}, "switched off"},
		"something in front": {[]browser.Step{
			{Do: browser.Open, Value: "/covered"}, {Do: browser.Press, Target: button("Press me")},
		}, "in front"},
		"no such choice": {[]browser.Step{
			{Do: browser.Open, Value: "/new"}, {Do: browser.Select, Target: browser.Target{Name: "Walker"}, Value: "Cleo"},
		}, `no choice "Cleo"`},
		"not a date": {[]browser.Step{
			{Do: browser.Open, Value: "/new"}, {Do: browser.Fill, Target: browser.Target{Name: "Day"}, Value: "tomorrow"},
		}, "not in the form"},
		"nothing to fill in": {[]browser.Step{
			{Do: browser.Open, Value: "/"}, {Do: browser.Fill, Target: browser.Target{Role: "heading", Name: "Bookings"}, Value: "x"},
		}, "nothing that can be filled in"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.Walk(t.Context(), browser.Desktop(), c.steps)
			if err != nil {
				t.Fatal(err)
			}
			if got.Passed() != (c.failed == "") || !strings.Contains(got.Failed, c.failed) {
				t.Fatalf("failed %q at step %d, want %q\n%s", got.Failed, len(got.Stages), c.failed, got.Outline)
			}
			if got.Passed() && len(got.Stages) != len(c.steps) {
				t.Errorf("%d stages of %d steps", len(got.Stages), len(c.steps))
			}
			for i, stage := range got.Stages {
				if len(stage.Picture.JPEG) == 0 {
					t.Errorf("step %d has no picture", i+1)
				}
			}
			if !got.Passed() && got.Outline == "" {
				t.Error("the failed step has no outline")
			}
			if !got.Trouble().None() {
				t.Errorf("trouble %+v", got.Trouble())
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	start := browser.Step{Do: browser.Open, Value: "/"}
	for name, steps := range map[string][]browser.Step{
		"nothing":            nil,
		"too much":           slices.Repeat([]browser.Step{start}, browser.MaxSteps+1),
		"no page first":      {{Do: browser.Expect, Value: "x"}},
		"another site":       {{Do: browser.Open, Value: "//evil.example.com/"}},
		"an address":         {{Do: browser.Open, Value: "https://evil.example.com/"}},
		"an unknown action":  {start, {Do: "run", Value: "x"}},
		"press nothing":      {start, {Do: browser.Press}},
		"expect nothing":     {start, {Do: browser.Expect}},
		"fill without place": {start, {Do: browser.Fill, Value: "x"}},
	} {
		if err := browser.Check(steps); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestPagesReachNothing: a page that looks around finds only its own app.
func TestPagesReachNothing(t *testing.T) {
	t.Parallel()
	s := open(t, &shop{})
	w, err := s.Walk(t.Context(), browser.Desktop(), []browser.Step{
		{Do: browser.Open, Value: "/escape"},
		{Do: browser.Expect, Value: "nothing nothing nothing nothing"},
		{Do: browser.Absent, Value: "REACHED"},
	})
	if err != nil || !w.Passed() {
		t.Errorf("%q, %v", w.Failed, err)
	}
}

// TestNothingIsKept: what one session was told the next does not know.
func TestNothingIsKept(t *testing.T) {
	t.Parallel()
	cookies := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("seen")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", MaxAge: 1000})
		if _, err := fmt.Fprintf(w, "<!doctype html><title>x</title><p>You have been here before: %v, and that is all.", err == nil); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	for range 2 {
		got, err := open(t, cookies).Look(t.Context(), browser.Look{Path: "/", Screen: browser.Desktop()})
		if err != nil || !strings.Contains(got.Text, "before: false") {
			t.Errorf("%q, %v", got.Text, err)
		}
	}
}

func TestAbsent(t *testing.T) {
	t.Parallel()
	b := browser.New("test", browser.Config{Driver: sandboxtest.New(t), Program: func() string { return "" }, Log: slog.New(slog.DiscardHandler)})
	if _, err := b.Open(t.Context(), nil); !errors.Is(err, browser.ErrAbsent) {
		t.Errorf("without Chromium: %v", err)
	}
	broken := browser.New("test", browser.Config{Driver: sandboxtest.New(t), Program: func() string { return "/bin/false" }, Log: slog.New(slog.DiscardHandler)})
	if _, err := broken.Open(t.Context(), browser.DialFunc(nil)); err == nil {
		t.Error("a program that ends at once is no browser")
	}
}

// TestEndsWithItsCaller: whoever gives up gets back at once, and nothing is left.
func TestEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	s := open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if _, err := s.Look(ctx, browser.Look{Path: "/", Screen: browser.Desktop()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Look = %v, want the caller's deadline", err)
	}
}
