package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"cofounder/internal/platform/sandbox"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// Trouble is what went wrong in a page, as a developer's console would say it. Each
// list has at most twenty entries of at most 300 characters, none twice.
type Trouble struct {
	Console  []string // errors written or thrown
	Failed   []string // requests to the app that failed, or were answered 400 and above
	External []string // requests to anywhere else; none of them arrived
	Dialogs  []string // alerts and questions of the browser; they were accepted
}

// None reports whether nothing went wrong. Dialogs are no trouble.
func (t Trouble) None() bool { return len(t.Console)+len(t.Failed)+len(t.External) == 0 }

const (
	mostEntries  = 20
	longestEntry = 300
)

// watcher collects trouble. Events come from chromedp's goroutine.
type watcher struct {
	mu       sync.Mutex
	trouble  Trouble
	requests map[network.RequestID]string // to the app, under way
	dialog   func(*page.EventJavascriptDialogOpening)
}

func newWatcher(dialog func(*page.EventJavascriptDialogOpening)) *watcher {
	return &watcher{requests: map[network.RequestID]string{}, dialog: dialog}
}

// take returns the trouble since the last take.
func (w *watcher) take() Trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.trouble
	w.trouble = Trouble{}
	return t
}

func (w *watcher) quiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests) == 0
}

// event must not ask the browser anything.
func (w *watcher) event(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeAssert {
			add(&w.trouble.Console, words(ev.Args))
		}
	case *runtime.EventExceptionThrown:
		add(&w.trouble.Console, exception(ev.ExceptionDetails))
	case *log.EventEntryAdded:
		// Failed requests are written there too; they are counted as such.
		if ev.Entry != nil && ev.Entry.Level == log.EntryLevelError && ev.Entry.Source != log.EntrySourceNetwork {
			add(&w.trouble.Console, ev.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		w.request(ev)
	case *network.EventResponseReceived:
		if what, ours := w.requests[ev.RequestID]; ours && ev.Response != nil && ev.Response.Status >= 400 {
			add(&w.trouble.Failed, fmt.Sprintf("%s was answered %d", what, ev.Response.Status))
		}
	case *network.EventLoadingFinished:
		delete(w.requests, ev.RequestID)
	case *network.EventLoadingFailed:
		what, ours := w.requests[ev.RequestID]
		delete(w.requests, ev.RequestID)
		if ours && !ev.Canceled {
			add(&w.trouble.Failed, what+" failed: "+ev.ErrorText)
		}
	case *page.EventJavascriptDialogOpening:
		add(&w.trouble.Dialogs, ev.Message)
		w.dialog(ev)
	}
}

func (w *watcher) request(ev *network.EventRequestWillBeSent) {
	if ev.Request == nil {
		return
	}
	to, err := url.Parse(ev.Request.URL)
	switch {
	case err != nil || to.Scheme == "data" || to.Scheme == "blob" || to.Scheme == "about":
	case to.Host != host:
		add(&w.trouble.External, to.Scheme+"://"+to.Host)
	case to.Path == "/favicon.ico" && ev.Type == network.ResourceTypeOther:
		// Chromium asks for it by itself.
	case ev.Type == network.ResourceTypeWebSocket || ev.Type == network.ResourceTypeEventSource:
		// They stay open.
	default:
		w.requests[ev.RequestID] = ev.Request.Method + " " + to.RequestURI()
	}
}

func add(list *[]string, what string) {
	what = strings.Join(strings.Fields(sandbox.PlainText([]byte(what))), " ")
	if runes := []rune(what); len(runes) > longestEntry {
		what = string(runes[:longestEntry-1]) + "…"
	}
	if what != "" && len(*list) < mostEntries && !slices.Contains(*list, what) {
		*list = append(*list, what)
	}
}

func words(args []*runtime.RemoteObject) string {
	var all []string
	for _, a := range args {
		switch {
		case a == nil:
		case a.Description != "":
			all = append(all, a.Description)
		case len(a.Value) > 0:
			all = append(all, strings.Trim(string(a.Value), `"`))
		}
	}
	return strings.Join(all, " ")
}

func exception(d *runtime.ExceptionDetails) string {
	switch {
	case d == nil:
		return "an error nobody described"
	case d.Exception != nil && d.Exception.Description != "":
		first, _, _ := strings.Cut(d.Exception.Description, "\n    at ")
		return first
	}
	return d.Text
}
