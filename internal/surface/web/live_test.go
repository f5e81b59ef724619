package web_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"cofounder/internal/product/account"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// reader is the stream of an open page.
type reader struct {
	*http.Response
	lines *bufio.Scanner
	last  string // id
}

// reads opens a stream over the network, at its beginning or after an id.
func (b *browser) reads(t *testing.T, path, lastEventID string) *reader {
	t.Helper()
	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	ctx, leave := context.WithTimeout(t.Context(), patience)
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "localhost:8080"
	r.Header.Set("Accept", "text/html, text/event-stream")
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return &reader{Response: res, lines: bufio.NewScanner(res.Body)}
}

// next returns what the next message puts into the page: the words of each element
// by its id.
func (r *reader) next(t *testing.T) map[string]string {
	t.Helper()
	data := ""
	for r.lines.Scan() {
		line := r.lines.Text()
		switch {
		case strings.HasPrefix(line, "id: "):
			r.last = line[4:]
		case strings.HasPrefix(line, "data: "):
			data += line[6:] + "\n"
		case line == "" && data != "":
			return elements(t, data)
		}
	}
	t.Fatalf("the stream ended without a message: %v", r.lines.Err())
	return nil
}

func elements(t *testing.T, fragment string) map[string]string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(fragment))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, n := range all(doc, func(n *html.Node) bool { return attr(n, "hx-swap-oob") != "" }) {
		found[attr(n, "id")] = words(n)
	}
	return found
}

// stream reads the address of a page's stream.
func (v visitor) stream(t *testing.T, page string) string {
	t.Helper()
	live := byID(v.get(t, page).want(http.StatusOK).page, "live")
	return attr(live, "hx-sse:connect")
}

func TestLiveStreamSaysItIsConnected(t *testing.T) {
	t.Parallel()
	r := newWorld(t).owner(t).reads(t, "/live", "")
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %d %v", r.StatusCode, r.Header)
	}
	if diff := cmp.Diff(map[string]string{"live-state": ""}, r.next(t)); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
}

// A stream cannot follow to a page, so who may not read it is told by status.
func TestLiveStreamIsForMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	p := v.project(t, dogs)
	stranger := v.joins(t, "Sam", account.InvitationDraft{Role: account.Viewer, Project: v.project(t, "another").ID})
	at := "/p/" + string(p.ID) + "/live"
	for name, tt := range map[string]struct {
		reader *browser
		path   string
		want   int
	}{
		"nobody":                   {w.browser(), "/live", http.StatusUnauthorized},
		"nobody, a project":        {w.browser(), at, http.StatusUnauthorized},
		"not invited":              {stranger.browser, at, http.StatusNotFound},
		"no such project":          {v.browser, "/p/prj_01kav5zsk3q8t2m4x7n9p6r0wd/live", http.StatusNotFound},
		"no project":               {v.browser, "/p/x/live", http.StatusNotFound},
		"no place in the stream":   {v.browser, at + "?after=x", http.StatusBadRequest},
		"a place before the first": {v.browser, at + "?after=-1", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.reader.reads(t, tt.path, "").StatusCode; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// A page that was drawn shows what happens from then on: panels as they are now,
// each row once.
func TestHomeIsLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	p := v.unasked(t, dogs)
	at := "/p/" + string(p.ID) + "/"
	address := v.stream(t, at)
	if address != at+"live?after=1" {
		t.Fatalf("the page follows %q", address)
	}
	r := v.reads(t, address, "")
	if got := r.next(t); len(got) != 1 {
		t.Errorf("the page has everything already and is sent %v", got)
	}
	v.post(t, at+"rename", form("name", "Pawbook"))
	got := r.next(t)
	if !strings.Contains(got["home-head"], "Pawbook") || got["lately-rows"] != "Renamed to Pawbook just now" || r.last != "2" {
		t.Errorf("after renaming: %q, id %q", got, r.last)
	}
	r.Body.Close()

	v.post(t, at+"park", form("note", "until spring"))
	w.clock.Advance(time.Minute)
	r = v.reads(t, address, r.last)
	if got := r.next(t); !strings.Contains(got["home-note"], "until spring") || got["lately-rows"] != "" {
		t.Errorf("who comes back sees first %q, want the panels", got)
	}
	if got := r.next(t); got["lately-rows"] != "Put on hold: until spring 1 minute ago" || r.last != "3" {
		t.Errorf("then %q, id %q; want the missed row", got, r.last)
	}
	v.post(t, at+"delete", form("confirm", "Pawbook"))
	if got := r.next(t); got["manage"] != "" || !strings.Contains(got["home-note"], "This project is deleted") || r.last != "4" {
		t.Errorf("deleted: %q", got)
	}
	v.post(t, at+"restore", nil)
	if got := r.next(t); !strings.Contains(got["manage"], "Rename") || r.last != "5" {
		t.Errorf("restored: %q", got)
	}
}

// Who was away for so long that rows are gone is shown a whole log.
func TestHomeBeginsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	p := v.unasked(t, dogs)
	at := "/p/" + string(p.ID) + "/"
	for i := range 3 {
		v.post(t, at+"rename", form("name", "Name "+strconv.Itoa(i)))
	}
	w.exec(t, `DELETE FROM event WHERE seq <= 2`)
	w.exec(t, `UPDATE event_stream SET floor = 2`)
	r := v.reads(t, at+"live", "1")
	r.next(t)
	want := "Lately Renamed to Name 1 just now Renamed to Name 2 just now"
	if got := r.next(t); got["lately"] != want || got["home-head"] == "" || r.last != "4" {
		t.Errorf("got %q, id %q; want %q", got, r.last, want)
	}
}

// What a viewer is shown live is what a viewer may do.
func TestHomePanelsKeepToTheRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.owner(t)
	p := v.project(t, dogs)
	viewer := v.joins(t, "Vera", account.InvitationDraft{Role: account.Viewer})
	at := "/p/" + string(p.ID) + "/"
	r := viewer.reads(t, viewer.stream(t, at), "")
	r.next(t)
	if _, err := w.projects.Park(t.Context(), v.actor, p.ID, ""); err != nil {
		t.Fatal(err)
	}
	if got := r.next(t); strings.Contains(got["home-note"], "Take up again") || got["manage"] != "" || got["home-note"] == "" {
		t.Errorf("a viewer is sent %q", got)
	}
}

func TestStreamsOfOneSessionAreLimited(t *testing.T) {
	t.Parallel()
	const most = 20
	v := newWorld(t).owner(t)
	for i := range most + 1 {
		r := v.reads(t, "/live", "")
		want := http.StatusOK
		if i == most {
			want = http.StatusTooManyRequests
		}
		if r.StatusCode != want || want != http.StatusOK && r.Header.Get("Retry-After") == "" {
			t.Errorf("stream %d: got %d, want %d", i+1, r.StatusCode, want)
		}
	}
}
