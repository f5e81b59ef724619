package web_test

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/db/dbtest"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/flow/queueui"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/web"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/net/html"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	origin   = "http://localhost:8080"
	password = "four unrelated made up words"
	firefox  = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// world is one installation: the pages behind the real HTTP edge, over a real
// database, with a clock that stands still.
type world struct {
	accounts *account.Accounts
	projects *project.Projects

	journeys   *journey.Journeys
	documents  *document.Documents
	interviews *interview.Interviews
	options    *option.Options

	meter       *meter.Meter
	connections *meter.Connections
	model       *meter.Model

	events *event.Hub
	flow   *flow.Engine // works where settings ask for it

	apps  *hosting.Host // where settings ask for it
	cages []sandbox.Living

	clock   *clock.Manual
	handler http.Handler
	site    *web.Site
	log     *logBook
	db      *pgxpool.Pool
}

// logBook is a log that many requests write to.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBook) contains(text string) bool { return strings.Contains(l.String(), text) }

// settings are what a test may change about a world.
type settings struct {
	publicURL  string
	signUpOpen bool
	apps       bool // there are built apps
	works      bool // what runs do is done, with the demo model
}

func newWorld(t *testing.T, change ...func(*settings)) *world {
	t.Helper()
	set := settings{publicURL: origin}
	for _, c := range change {
		c(&set)
	}
	public, err := url.Parse(set.publicURL)
	if err != nil {
		t.Fatal(err)
	}
	at := clock.NewManual(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	pool, ids := dbtest.New(t), id.NewSource(at.Now)
	w := &world{db: pool, clock: at, events: event.NewHub(pool, slog.New(slog.DiscardHandler))}
	w.projects = project.New(project.Config{DB: pool, Clock: at, IDs: ids, Events: w.events})
	run(t, w.events)
	w.accounts, err = account.New(account.Config{
		DB: pool, Clock: at, IDs: ids, SignUpOpen: set.signUpOpen, PublicURL: set.publicURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.log = &logBook{}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.ai(t, pool, ids)
	if w.flow, err = flow.New(flow.Config{DB: pool, Clock: at, IDs: ids, Log: log}); err != nil {
		t.Fatal(err)
	}
	w.journeys = journey.New(journey.Config{DB: pool, Clock: at, IDs: ids, Projects: w.projects, Runs: w.flow})
	w.documents = document.New(document.Config{DB: pool, Clock: at, IDs: ids, Projects: w.projects, Runs: w.flow})
	w.options = option.New(option.Config{
		DB: pool, Clock: at, IDs: ids, Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents,
		Runs: w.flow, Meter: w.meter, Model: w.model, Stacks: option.Stacks,
	})
	if set.apps {
		w.hostApps(t, pool, log)
	}
	jobs, err := queueui.New(pool, log, web.JobPages)
	if err != nil {
		t.Fatal(err)
	}
	w.ideas(t, pool, ids)
	if set.works {
		w.work(t)
	}
	site, err := web.New(web.Config{
		Accounts: w.accounts, Projects: w.projects, Journeys: w.journeys, Documents: w.documents, Interviews: w.interviews, Options: w.options,
		Meter: w.meter, Connections: w.connections, Model: w.model,
		Admin: admin.New(admin.Config{DB: pool, Clock: at, IDs: ids, Flow: w.flow, Meter: w.meter, Connections: w.connections, Model: w.model}),
		Jobs:  jobs, Runs: w.flow,
		Apps: w.apps, AppLink: appLink,
		Cages: func(context.Context) []sandbox.Living { return w.cages },
		Clock: at, Log: log,
		PublicURL: public, SignUpOpen: set.signUpOpen, Version: "0.0.0-test", Program: "bin/cofounder",
		Machine: func() []web.Fact {
			return []web.Fact{
				{What: "Take pictures", Can: true, Detail: "Chromium is here."},
				{What: "Send mail", Detail: "No mail server is set.", Do: "Invitations are links you pass on yourself."},
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := httpd.New(httpd.Config{
		Addr: "localhost:8080", PublicURL: public, TrustedTypes: web.TrustedTypes(), Pages: site.Problem,
		IDs: ids, Log: log,
	}, site)
	if err != nil {
		t.Fatal(err)
	}
	w.handler, w.site = server.Handler(), site
	return w
}

// browser keeps cookies and follows redirects only when told, like a careful
// person.
type browser struct {
	*world
	cookies map[string]string
	at      string // the page it is on, for Referer
}

func (w *world) browser() *browser { return &browser{world: w, cookies: map[string]string{}, at: "/"} }

// refused is the page for an error some handler might return to the visitor.
func (w *world) refused(t *testing.T, v visitor, err error) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/", nil)
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	rec := httptest.NewRecorder()
	w.site.Problem(rec, r, httpd.ProblemOf(err, "test"))
	res := rec.Result()
	defer res.Body.Close()
	return read(t, "an error", res)
}

// another is a window of the same browser, for tests that run beside each other.
func (b *browser) another() *browser {
	return &browser{world: b.world, cookies: maps.Clone(b.cookies), at: b.at}
}

// answer is a response with its page, if it is one.
type answer struct {
	t       *testing.T
	status  int
	header  http.Header
	body    string
	page    *html.Node
	request string
}

// send makes one request as a browser would.
func (b *browser) send(t *testing.T, method, address string, form url.Values, change ...func(*http.Request)) answer {
	t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	return b.sendBody(t, method, address, body, change...)
}

func (b *browser) sendBody(t *testing.T, method, address string, body io.Reader, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, origin+address, body)
	r.Header.Set("User-Agent", firefox)
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	r.Header.Set("Referer", origin+b.at)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value, Quoted: false, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, r)
	res := rec.Result()
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return read(t, method+" "+address, res)
}

// raw gets an address and leaves the answer compressed, as it travels.
func (b *browser) raw(t *testing.T, address string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, origin+address, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, r)
	return answer{t: t, status: rec.Code, header: rec.Header(), body: rec.Body.String(), request: "GET " + address}
}

func read(t *testing.T, request string, res *http.Response) answer {
	t.Helper()
	body := io.Reader(res.Body)
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		body = z
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	a := answer{t: t, status: res.StatusCode, header: res.Header, body: string(text), request: request}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		if a.page, err = html.Parse(strings.NewReader(a.body)); err != nil {
			t.Fatalf("%s: %v", request, err)
		}
	}
	return a
}

func (b *browser) get(t *testing.T, address string, change ...func(*http.Request)) answer {
	t.Helper()
	a := b.send(t, http.MethodGet, address, nil, change...)
	if a.status == http.StatusOK && a.page != nil {
		b.at = address
	}
	return a
}

// post sends a form from the page the browser is on.
func (b *browser) post(t *testing.T, address string, form url.Values) answer {
	t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return b.send(t, http.MethodPost, address, form)
}

// follow goes where a redirect leads, until there is a page.
func (b *browser) follow(t *testing.T, a answer) answer {
	t.Helper()
	for range 5 {
		if a.status < 300 || a.status > 399 {
			return a
		}
		to, _, _ := strings.Cut(a.header.Get("Location"), "#")
		a = b.get(t, to)
	}
	t.Fatalf("%s: redirects without end", a.request)
	return a
}

// want fails the test unless the answer has this status, and returns it.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: got status %d, want %d\n%s", a.request, a.status, status, a.text())
	}
	return a
}

// leads fails the test unless the answer redirects there.
func (a answer) leads(to string) answer {
	a.t.Helper()
	if got := a.header.Get("Location"); a.status != http.StatusSeeOther || got != to {
		a.t.Fatalf("%s: got status %d to %q, want 303 to %q\n%s", a.request, a.status, got, to, a.text())
	}
	return a
}

// says fails the test unless the page's main part holds the words.
func (a answer) says(words ...string) answer {
	a.t.Helper()
	text := a.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			a.t.Errorf("%s: does not say %q, but:\n%s", a.request, w, text)
		}
	}
	return a
}

// hushes fails the test if the page's main part holds any of the words.
func (a answer) hushes(words ...string) answer {
	a.t.Helper()
	text := a.text()
	for _, w := range words {
		if strings.Contains(text, w) {
			a.t.Errorf("%s: says %q:\n%s", a.request, w, text)
		}
	}
	return a
}

// text is what a person reads in the main part of the page.
func (a answer) text() string {
	if a.page == nil {
		return a.body
	}
	if main := find(a.page, "main"); main != nil {
		return words(main)
	}
	return words(a.page)
}

// visitor is somebody with a browser who is signed in.
type visitor struct {
	*browser
	actor account.Actor
}

// owner makes the first account by its start link.
func (w *world) owner(t *testing.T) visitor {
	t.Helper()
	code, err := w.accounts.MintStartLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	b.follow(t, b.get(t, "/start/"+code)).want(http.StatusOK)
	return b.visitor(t)
}

// visitor reads who the browser is signed in as.
func (b *browser) visitor(t *testing.T) visitor {
	t.Helper()
	s, err := b.accounts.Authenticate(t.Context(), b.cookies[httpd.SessionCookie])
	if err != nil {
		t.Fatal(err)
	}
	actor, err := b.accounts.ActorIn(t.Context(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	return visitor{browser: b, actor: actor}
}

// joins makes somebody new who joins the visitor's team.
func (v visitor) joins(t *testing.T, name string, d account.InvitationDraft) visitor {
	t.Helper()
	code, _, err := v.accounts.Invite(t.Context(), v.actor, d)
	if err != nil {
		t.Fatal(err)
	}
	b := v.world.browser()
	b.get(t, "/invite/"+code).want(http.StatusOK)
	b.follow(t, b.post(t, "/invite/"+code, url.Values{
		"name": {name}, "email": {strings.ToLower(name) + "@example.com"}, "password": {password},
	})).want(http.StatusOK)
	return b.visitor(t)
}

// project makes a project through the form.
func (v visitor) project(t *testing.T, idea string) project.Project {
	t.Helper()
	a := v.post(t, "/projects", url.Values{"idea": {idea}}).want(http.StatusSeeOther)
	pid, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Location"), "/p/"), "/")
	p, err := v.projects.Get(t.Context(), v.actor, project.ID(pid))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unasked makes a project that nobody asks about.
func (v visitor) unasked(t *testing.T, idea string) project.Project {
	t.Helper()
	p, err := v.projects.Create(t.Context(), v.actor, project.Draft{Idea: idea})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// bodyOf gives a request another body.
func bodyOf(text string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(text))
		r.ContentLength = int64(len(text))
	}
}

// run lets a hub follow streams until the test ends.
func run(t *testing.T, hub *event.Hub) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

func (w *world) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
