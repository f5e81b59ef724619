package web_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cofounder/internal/product/account"
	"cofounder/internal/product/interview"

	"golang.org/x/net/html"
)

// everyPage visits each page there is, in the states that look different.
func everyPage(t *testing.T) map[string]answer {
	t.Helper()
	w := newWorld(t, func(s *settings) { s.signUpOpen = true }, working)
	pages := map[string]answer{"nobody yet": w.browser().get(t, "/sign-in")}
	v := w.owner(t)
	pages["first idea"] = v.get(t, "/")
	pages["settings, new"] = v.get(t, "/account")
	pages["idea refused"] = v.post(t, "/projects", form("idea", ""))
	p := v.project(t, dogs)
	at := "/p/" + string(p.ID) + "/"
	pages["home, created"] = v.get(t, at)
	pages["home, parked"] = v.follow(t, v.post(t, at+"park", form("note", "later")))
	pages["home, refused"] = v.post(t, at+"rename", form("name", ""))
	long := v.project(t, strings.Repeat(dogs+"\n", 200))
	pages["home, long"] = v.get(t, "/p/"+string(long.ID)+"/")
	pages["delete"] = v.get(t, at+"delete")
	pages["delete, refused"] = v.post(t, at+"delete", form("confirm", "x"))
	pages["home, deleted"] = v.follow(t, v.post(t, at+"delete", form("confirm", p.Name)))
	pages["home of a deleted one"] = v.get(t, at)
	pages["projects"] = v.get(t, "/")
	pages["new idea"] = v.get(t, "/new?example=2")
	v.post(t, "/account/return", form("email", "mara@example.com", "password", password)).want(http.StatusSeeOther)
	pages["new key"] = v.post(t, "/account/keys", form("name", "Robot", "scope", "read", "days", "0"))
	pages["settings"] = v.get(t, "/account")
	pages["settings, refused"] = v.post(t, "/account/password", form("current_password", "x", "password", "y"))
	pages["reset"] = v.get(t, "/account/reset")
	pages["delete account"] = v.get(t, "/account/delete")
	waysPages(t, v, pages)
	vic := v.joins(t, "Vic", account.InvitationDraft{Role: account.Viewer})
	ideaPages(t, v, pages) // while no AI is connected
	moneyPages(t, v, vic, pages)
	link := v.invitation(t, "role", "member")
	pages["team"] = v.get(t, "/team")
	pages["new invitation"] = v.post(t, "/team/invitations", form("role", "viewer", "project", string(long.ID)))
	pages["invited, known"] = v.get(t, link)
	b := w.browser()
	pages["invited, new"] = b.get(t, link)
	pages["sign in"] = b.get(t, "/sign-in")
	pages["sign in, refused"] = b.post(t, "/sign-in", form("email", "mara@example.com", "password", "x"))
	pages["sign up"] = b.get(t, "/sign-up")
	pages["stale link"] = b.get(t, "/start/nonsense")
	pages["no cookies"] = b.get(t, "/signed-in")
	pages["offline"] = b.get(t, "/offline")
	runPages(t, v, pages)
	documentPages(t, v, vic, pages)
	decisionPages(t, v, vic, pages)
	pages["not found"] = v.get(t, "/nothing")
	pages["wrong address"] = b.get(t, "/", func(r *http.Request) { r.Host = "192.168.1.5:8080" })
	return pages
}

// ideaPages visits the pages from an idea to a decision, in the states that look different.
func ideaPages(t *testing.T, v visitor, pages map[string]answer) {
	t.Helper()
	few := v.project(t, "Dogs")
	pages["questions, about the idea"] = v.get(t, "/p/"+string(few.ID)+"/questions")
	pages["questions, nobody asked"] = v.get(t, "/p/"+string(v.unasked(t, walks).ID)+"/questions")
	at, talk := v.asked(t)
	pages["home, asked"] = v.get(t, at)
	pages["questions"] = v.get(t, at+"questions")
	question := func(n int) string { return at + "questions/" + string(talk.Questions[n].ID) }
	pages["questions, refused"] = v.post(t, question(0), form("do", "next"))
	pages["questions, chips refused"] = v.post(t, at+"understood", form("name", ""))
	v.post(t, question(0), form("choice", talk.Questions[0].Suggestions[0], "do", "next"))
	v.post(t, question(1), form("do", "decide"))
	v.clash(t, talk)
	pages["questions, later"] = v.get(t, at+"questions")
	pages["question again"] = v.get(t, question(0))
	v.exec(t, `UPDATE interview SET state = 'reading', line = '', trouble = 'The AI does not answer. I will go on by myself.' WHERE project_id = '`+string(talk.Project)+`'`)
	pages["questions, trouble"] = v.get(t, at+"questions")
	v.exec(t, `UPDATE interview SET state = 'failed', failed_at = 'reading', reason = 'Something broke on my side.', trouble = '' WHERE project_id = '`+string(talk.Project)+`'`)
	pages["questions, failed"] = v.get(t, at+"questions")
	pages["home, failed"] = v.get(t, at)
	v.exec(t, `UPDATE interview SET state = 'asking', failed_at = '', reason = '' WHERE project_id = '`+string(talk.Project)+`'`)
	v.post(t, question(2), form("do", "decide"))
	v.await(t, talk.Project, "the page", is(interview.Written))
	pages["questions, done"] = v.get(t, at+"questions")
	pages["home, written"] = v.get(t, at)
	pages["one page"] = v.get(t, at+"brief")
	pages["one page, edited"] = v.get(t, at+"brief?edit=problem")
	pages["one page, features edited"] = v.get(t, at+"brief?edit=features")
	pages["build, none"] = v.get(t, at+"build")
	v.post(t, question(0), form("text", "Something new", "do", "next"))
	pages["one page, stale"] = v.get(t, at+"brief")
	v.exec(t, `UPDATE interview SET state = 'writing' WHERE project_id = '`+string(talk.Project)+`'`)
	v.exec(t, `DELETE FROM page_section WHERE section = 'risks'`)
	pages["one page, written"] = v.get(t, at+"brief")
	v.exec(t, `UPDATE interview SET state = 'failed', failed_at = 'writing', reason = 'Something broke on my side.' WHERE project_id = '`+string(talk.Project)+`'`)
	pages["one page, failed"] = v.get(t, at+"brief")
}

func TestEveryPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, a := range everyPage(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a.page == nil {
				t.Fatalf("no page: %d %s", a.status, a.body)
			}
			checkWords(t, a)
			checkPolicy(t, a)
			checkShape(t, a)
			checkForms(t, a)
			checkWeight(t, a)
			for _, address := range staticAddresses(a.page) {
				got := w.browser().get(t, address).want(http.StatusOK)
				if !strings.Contains(got.header.Get("Cache-Control"), "immutable") {
					t.Errorf("%s is not the file of this build", address)
				}
			}
		})
	}
}

// The code's words that the screen has others for , and what founders
// must not meet.
var codeWords = regexp.MustCompile(`(?i)\b(workspaces?|operators?|API tokens?|tokens?|debug[_ ]?id|evidence|criteri(on|a)|journey|artifacts?|sessions?|tenants?|soft[- ]delete\w*|null|undefined|panic|SQL|fault)\b|\{\{|%!`)

func checkWords(t *testing.T, a answer) {
	t.Helper()
	var text strings.Builder
	text.WriteString(words(find(a.page, "body")))
	for _, n := range all(a.page, func(*html.Node) bool { return true }) {
		for _, name := range []string{"aria-label", "title", "placeholder", "alt"} {
			text.WriteString(" " + attr(n, name))
		}
	}
	text.WriteString(" " + words(find(a.page, "title")))
	found := codeWords.FindAllString(text.String(), -1)
	if strings.Contains(a.request, " /admin/") { // what models are paid by
		found = slices.DeleteFunc(found, func(word string) bool { return strings.EqualFold(word, "tokens") })
	}
	if len(found) > 0 {
		t.Errorf("words of the code on the screen: %q", found)
	}
	if strings.ContainsFunc(text.String(), func(r rune) bool { return r >= 0x1F000 }) {
		t.Error("there is an emoji on the page")
	}
}

// checkPolicy holds the page to the content security policy without a browser.
func checkPolicy(t *testing.T, a answer) {
	t.Helper()
	policies := a.header.Values("Content-Security-Policy")
	nonce := regexp.MustCompile(`^script-src-attr 'nonce-([A-Z2-7]{26})'$`).FindStringSubmatch(policies[len(policies)-1])
	if len(policies) != 2 || nonce == nil {
		t.Fatalf("got policies %q, want httpd's and the nonce", policies)
	}
	for _, part := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "connect-src 'self'",
		"base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types htmx cofounder",
	} {
		if !slices.Contains(strings.Split(policies[0], "; "), part) {
			t.Errorf("the policy lacks %q: %s", part, policies[0])
		}
	}
	for _, n := range all(a.page, func(*html.Node) bool { return true }) {
		for _, at := range n.Attr {
			switch {
			case at.Key == "style", strings.HasPrefix(at.Key, "on"), strings.HasPrefix(at.Key, "hx-on"):
				t.Errorf("<%s> has %s=%q, which the policy forbids", n.Data, at.Key, at.Val)
			case strings.HasPrefix(strings.ToLower(strings.TrimSpace(at.Val)), "javascript:"):
				t.Errorf("<%s> has %s=%q", n.Data, at.Key, at.Val)
			case strings.HasPrefix(at.Key, "hx-") && attr(n, "hx-nonce") != nonce[1]:
				t.Errorf("<%s> has %s but not the nonce: hx-csp would strip it", n.Data, at.Key)
			}
		}
		if n.Data == "script" && (attr(n, "src") == "" || words(n) != "" || attr(n, "nonce") != nonce[1]) {
			t.Errorf("script %q is inline or has no nonce", attr(n, "src"))
		}
	}
	if s := find(find(a.page, "body"), "script"); s != nil {
		t.Error("there is a script outside the head, which htmx could not swap under Trusted Types")
	}
	if s := find(a.page, "style"); s != nil {
		t.Error("there is a <style>")
	}
}

// checkShape is what every page has: language, title, one heading, landmarks,
// ids that are unique and references that lead somewhere.
func checkShape(t *testing.T, a answer) {
	t.Helper()
	if got := attr(find(a.page, "html"), "lang"); got != "en" {
		t.Errorf("lang is %q", got)
	}
	if title := words(find(a.page, "title")); !strings.HasSuffix(title, " · cofounder") || strings.HasPrefix(title, " ·") {
		t.Errorf("title is %q", title)
	}
	for _, name := range []string{"h1", "main", "header"} {
		if got := len(all(a.page, func(n *html.Node) bool { return n.Data == name && (name != "header" || attr(n, "class") == "top") })); got != 1 {
			t.Errorf("got %d <%s>, want 1", got, name)
		}
	}
	if links := all(find(a.page, "body"), tag("a")); attr(links[0], "href") != "#main" {
		t.Error("the first link does not skip to the content")
	}
	if status := byID(a.page, "status"); status == nil || attr(status, "role") != "status" {
		t.Error("there is no status line")
	}
	if primary := all(find(a.page, "main"), func(n *html.Node) bool { return slices.Contains(strings.Fields(attr(n, "class")), "primary") }); len(primary) > 1 {
		t.Errorf("got %d primary buttons, want at most 1", len(primary))
	}
	ids := map[string]int{}
	for _, n := range all(a.page, func(*html.Node) bool { return true }) {
		if id, ok := attribute(n, "id"); ok {
			ids[id]++
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q is there %d times", id, n)
		}
	}
	for _, n := range all(a.page, func(*html.Node) bool { return true }) {
		for _, name := range []string{"for", "aria-labelledby", "aria-describedby", "aria-controls", "popovertarget"} {
			for id := range strings.FieldsSeq(attr(n, name)) {
				if ids[id] == 0 {
					t.Errorf("<%s %s=%q> leads nowhere", n.Data, name, id)
				}
			}
		}
		if to := attr(n, "href"); strings.HasPrefix(to, "#") && ids[to[1:]] == 0 {
			t.Errorf("link %q leads nowhere", to)
		}
	}
}

// checkForms: every field has a label, every button a name, every form posts to
// us, and passwords say what they are for.
func checkForms(t *testing.T, a answer) {
	t.Helper()
	labels := map[string]bool{}
	for _, n := range all(a.page, tag("label")) {
		labels[attr(n, "for")] = true
	}
	for _, n := range all(a.page, tag("input", "textarea", "select")) {
		wrapped := n.Parent != nil && n.Parent.Data == "label"
		if attr(n, "type") != "hidden" && !labels[attr(n, "id")] && !wrapped && attr(n, "aria-label") == "" {
			t.Errorf("<%s name=%q> has no label", n.Data, attr(n, "name"))
		}
		if attr(n, "type") == "password" && (attr(n, "autocomplete") == "" || attr(n, "value") != "") {
			t.Errorf("password field %q: autocomplete %q, value %q", attr(n, "name"), attr(n, "autocomplete"), attr(n, "value"))
		}
	}
	for _, n := range all(a.page, tag("button", "a")) {
		if words(n) == "" && attr(n, "aria-label") == "" && attr(n, "aria-hidden") == "" {
			t.Errorf("<%s class=%q> has no name", n.Data, attr(n, "class"))
		}
	}
	for _, n := range all(a.page, tag("form")) {
		if method := attr(n, "method"); method != "post" && method != "dialog" || method == "post" && !strings.HasPrefix(attr(n, "action"), "/") {
			t.Errorf("form: method %q, action %q", method, attr(n, "action"))
		}
	}
}

// checkWeight is the budget of a page's HTML.
func checkWeight(t *testing.T, a answer) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(a.body)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 10<<10 {
		t.Errorf("the page is %d bytes gzipped, more than 10 KB", b.Len())
	}
}

func staticAddresses(n *html.Node) []string {
	var out []string
	for _, e := range all(n, tag("link", "script", "img")) {
		for _, name := range []string{"href", "src"} {
			if to := attr(e, name); strings.HasPrefix(to, "/static/") {
				out = append(out, to)
			}
		}
	}
	return out
}

// What is read may be odd; what is written is escaped.
func TestFoundersTextIsEscaped(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	const evil = `<script>alert(1)</script>"><img src=x onerror=alert(2)> & {{7*7}} %s`
	p := v.project(t, evil)
	v.post(t, "/p/"+string(p.ID)+"/rename", form("name", `"><svg onload=alert(3)>`)).want(http.StatusSeeOther)
	for _, address := range []string{"/p/" + string(p.ID) + "/", "/", "/p/" + string(p.ID) + "/delete"} {
		a := v.get(t, address).want(http.StatusOK)
		for _, n := range all(a.page, func(*html.Node) bool { return true }) {
			for _, at := range n.Attr {
				if strings.HasPrefix(at.Key, "on") {
					t.Errorf("%s: <%s %s=%q> came alive", address, n.Data, at.Key, at.Val)
				}
			}
		}
		if len(all(find(a.page, "body"), tag("script"))) != 0 {
			t.Errorf("%s: a script came alive", address)
		}
	}
	v.get(t, "/p/"+string(p.ID)+"/").says("<script>alert(1)</script>", "{{7*7}} %s")
}
