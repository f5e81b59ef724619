package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cofounder/internal/platform/browser/axe"
	"cofounder/internal/platform/sandbox"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// host is where the app is, for its browser.
const host = "localhost:8080"

// Screen is what the browser's window is like.
type Screen struct {
	Width, Height int64
	Phone         bool // touch, and a page that asks for a narrow window gets one
}

// Desktop is the wider of the two screens on which apps are looked at.
func Desktop() Screen { return Screen{Width: 1280, Height: 800} }

// Phone is the narrower of the two screens on which apps are looked at.
func Phone() Screen { return Screen{Width: 390, Height: 844, Phone: true} }

// Look says what to look at.
type Look struct {
	Path   string // from / on
	Screen Screen
	// Markers are words by which a page gives away that it is a template nobody filled in.
	Markers []string
	// Accessible asks axe what keeps people from using the page.
	Accessible bool
}

// Sight is a page that was looked at.
type Sight struct {
	Path    string // where it ended, after redirects
	Title   string
	Text    string // what can be read, at most 2 KB
	Outline string // roles and names, as assistive technology is told, at most 4 KB
	Picture Picture
	Blank   Blankness
	Trouble Trouble
	// Barriers are what axe found, with how bad it is; nil when it was not asked.
	Barriers []Barrier
}

// Barrier is something that keeps people from using a page, as axe names it.
type Barrier struct {
	Rule   string `json:"rule"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Places int    `json:"places"`
}

// Picture is a JPEG of what the window shows.
type Picture struct {
	JPEG          []byte
	Width, Height int
}

const (
	loading     = 15 * time.Second        // a page may take
	settling    = 1500 * time.Millisecond // what it still loads may take
	acting      = 10 * time.Second        // one question to the browser may take
	longestText = 2 << 10
	longestTree = 4 << 10
)

// prepare makes the first tab.
func (s *Session) prepare() error {
	if err := chromedp.Do(s.tab, chromedp.Navigate("about:blank")); err != nil {
		return err
	}
	s.seen = newWatcher(func(*page.EventJavascriptDialogOpening) {
		s.groups.Go(func() {
			_, err := ask(s, func(ctx context.Context) (chromedp.Void, error) {
				_, err := chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
				return chromedp.Void{}, err
			})
			if err != nil {
				s.debug("dialog: %v", err)
			}
		})
	})
	if err := chromedp.Listen(s.tab, s.seen.event); err != nil {
		return err
	}
	_, err := chromedp.Call(s.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "prefers-color-scheme", Value: "light"}},
	})
	return err
}

// ask puts one question to the tab, within acting.
func ask[T any](s *Session, question func(ctx context.Context) (T, error)) (T, error) {
	ctx, stop := context.WithTimeout(s.tab, acting)
	defer stop()
	return question(ctx)
}

// with runs what uses the tab so that it ends with ctx too: a tab's own context cannot
// be the caller's.
func (s *Session) with(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	s.groups.Go(func() { done <- do() })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		// The browser is in the middle of something: this session is of no more use.
		s.over()
		if err := <-done; err != nil {
			s.debug("what was under way ended with %v", err)
		}
		return ctx.Err()
	}
}

// Look opens a page and says what there is to see. A page that cannot be opened is no
// error: it is in the Trouble, and blank.
func (s *Session) Look(ctx context.Context, l Look) (Sight, error) {
	var sight Sight
	err := s.with(ctx, func() error { //nolint:contextcheck // a tab has a context of its own
		if err := s.window(l.Screen); err != nil {
			return err
		}
		s.seen.take()
		if err := s.open(l.Path); err != nil {
			return err
		}
		var err error
		sight, err = s.sight(l.Markers)
		if err == nil && l.Accessible {
			sight.Barriers, err = s.barriers()
		}
		return err
	})
	return sight, err
}

func (s *Session) window(screen Screen) error {
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	if screen.Phone {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	_, err := ask(s, func(ctx context.Context) (chromedp.Void, error) {
		return chromedp.Void{}, chromedp.Do(ctx, chromedp.EmulateViewport(screen.Width, screen.Height, options...))
	})
	return err
}

// open goes to a path of the app and waits until it has loaded. Whether that worked is
// seen on the page.
func (s *Session) open(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return fmt.Errorf("%q is no path of the app: it begins with one slash", path)
	}
	ctx, stop := context.WithTimeout(s.tab, loading)
	defer stop()
	err := chromedp.Do(ctx, chromedp.Navigate("http://"+host+path))
	switch {
	case s.tab.Err() != nil:
		return s.lost()
	case errors.Is(err, context.DeadlineExceeded):
		s.note(fmt.Sprintf("GET %s did not load within %v", path, loading))
	case err != nil:
		s.note(fmt.Sprintf("GET %s: %v", path, err))
	}
	s.settle()
	return nil
}

func (s *Session) note(failed string) {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	add(&s.seen.trouble.Failed, failed)
}

func (s *Session) lost() error {
	return fmt.Errorf("%w: Chromium ended in the middle: %w", ErrAbsent, context.Cause(s.tab))
}

// settle waits until nothing is loaded any more, for a while.
func (s *Session) settle() {
	limit := time.NewTimer(settling)
	defer limit.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for calm := 0; calm < 2; {
		select {
		case <-look.C:
			if calm++; !s.seen.quiet() {
				calm = 0
			}
		case <-limit.C:
			return
		case <-s.tab.Done():
			return
		}
	}
}

// sight is what the page shows now.
func (s *Session) sight(markers []string) (Sight, error) {
	var found struct {
		Path  string `json:"path"`
		Title string `json:"title"`
		Text  string `json:"text"`
	}
	if err := s.evaluate(&found, `({path: location.host === `+quote(host)+` ? location.pathname + location.search : location.href,
		title: document.title, text: document.body ? document.body.innerText.slice(0, 20000) : ''})`); err != nil {
		return Sight{}, err
	}
	picture, err := s.picture()
	if err != nil {
		return Sight{}, err
	}
	outline, err := s.outline()
	if err != nil {
		return Sight{}, err
	}
	return Sight{
		Path: clip(found.Path, longestText), Title: clip(found.Title, longestText), Text: clip(found.Text, longestText),
		Outline: outline, Picture: picture, Blank: blankness(found.Text, picture, markers), Trouble: s.seen.take(),
	}, nil
}

// clip makes hostile text fit to show: plain, and no longer than most bytes.
func clip(text string, most int) string {
	text = sandbox.PlainText([]byte(text))
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}

// barriers asks axe.
func (s *Session) barriers() ([]Barrier, error) {
	if err := s.evaluate(new(bool), "(() => {"+axe.Script+"\nreturn true})()"); err != nil {
		return nil, err
	}
	var found []Barrier
	err := s.evaluate(&found, `axe.run(document, {iframes: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
		.then(r => r.violations.slice(0, 50).map(v => ({rule: v.id, impact: v.impact || '', help: v.help, places: v.nodes.length})))`)
	for i := range found {
		b := &found[i]
		b.Rule, b.Impact, b.Help = clip(b.Rule, longestEntry), clip(b.Impact, longestEntry), clip(b.Help, longestEntry)
	}
	if found == nil {
		found = []Barrier{}
	}
	return found, err
}
