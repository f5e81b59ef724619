package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What we took from others is what they published; a new version changes this
// table and the licences beside the files.
func TestVendoredFilesAreUntouched(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"vendor/htmx.min.js":                   "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
		"vendor/hx-sse.min.js":                 "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
		"vendor/hx-csp.min.js":                 "a7e1e6711ae6c3e50ad300fba7936cbe8d07599cdae313414a179ddd6b26e143",
		"fonts/inter-latin-ext.woff2":          "34b9c504cab7a73e37b746343a449132e56cf7b5481af2cb81dc74dcff25c956",
		"fonts/inter-latin.woff2":              "3100e775e8616cd2611beecfa23a4263d7037586789b43f035236a2e6fbd4c62",
		"fonts/jetbrains-mono-latin-ext.woff2": "79bfdab9ba467e26eea4122e6f2567e188dd8a09a8c730d501fc487c4ab99c6e",
		"fonts/jetbrains-mono-latin.woff2":     "18be452724bfdc236c074ca94a249a7f41a86752c7d04ab258ce9ed5651f6a7e",
		"fonts/newsreader-latin-ext.woff2":     "ac6fa9ed533278f4c8fd3ae44a1fc78c7df736040237ab86fc1160d020af0af2",
		"fonts/newsreader-latin.woff2":         "62981321d9a3cc7a61a73792729043703fd6112da86e8ec848bb57f088578757",
	} {
		b, err := os.ReadFile(filepath.Join("static", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, licence := range []string{
		"static/vendor/htmx-LICENSE.txt", "static/fonts/inter-OFL.txt", "static/fonts/newsreader-OFL.txt",
		"static/fonts/jetbrains-mono-OFL.txt", "view/icons/LICENSE.txt",
	} {
		if b, err := os.ReadFile(licence); err != nil || len(b) < 500 {
			t.Errorf("licence %s: %d bytes, %v", licence, len(b), err)
		}
	}
}

// linked returns the addresses of static files a page links, by bare name.
func linked(a answer) map[string]string {
	out := map[string]string{}
	for _, to := range staticAddresses(a.page) {
		out[regexp.MustCompile(`\.[0-9a-f]{12}`).ReplaceAllString(strings.TrimPrefix(to, "/static/"), "")] = to
	}
	return out
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	v := newWorld(t).owner(t)
	files := linked(v.get(t, "/account"))
	size := func(address string) int {
		a := v.raw(t, address)
		return len(a.body)
	}
	if got := size(files["app.js"]) + size(files["passkey.js"]); got > 25<<10 {
		t.Errorf("script: %d bytes gzipped, more than 25 KB", got)
	}
	if got := size(files["app.css"]); got > 12<<10 {
		t.Errorf("style: %d bytes gzipped, more than 12 KB", got)
	}
	fonts := 0
	for _, n := range []string{"inter", "newsreader"} {
		info, err := os.Stat("static/fonts/" + n + "-latin.woff2")
		if err != nil {
			t.Fatal(err)
		}
		fonts += int(info.Size())
	}
	if fonts > 110<<10 {
		t.Errorf("fonts without mono: %d bytes, more than 110 KB", fonts)
	}
	own, err := os.ReadFile("static/app.js")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(own), "\n"); got > 110 {
		t.Errorf("our script has %d lines", got)
	}
}

func TestStaticFilesAreKeptForAYear(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser()
	css := linked(b.get(t, "/sign-in"))["app.css"]
	a := b.get(t, css).want(http.StatusOK)
	if got := a.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("Cache-Control is %q", got)
	}
	if a.header.Get("Content-Encoding") != "gzip" || a.header.Get("Vary") != "Accept-Encoding" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("got header %v", a.header)
	}
	plain := b.get(t, css, func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip;q=0, identity") }).want(http.StatusOK)
	if plain.header.Get("Content-Encoding") != "" || plain.body != a.body {
		t.Error("the uncompressed file differs")
	}
	for _, font := range regexp.MustCompile(`/static/fonts/[^"]+`).FindAllString(a.body, -1) {
		f := b.get(t, font).want(http.StatusOK)
		if f.header.Get("Content-Type") != "font/woff2" || !strings.Contains(f.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: got header %v", font, f.header)
		}
	}

	// A page of another release, during a rolling restart.
	other := regexp.MustCompile(`[0-9a-f]{12}`).ReplaceAllString(css, "000000000000")
	if got := b.get(t, other).want(http.StatusOK).header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("a file asked for by another hash: Cache-Control is %q, want no-cache", got)
	}
	for _, address := range []string{"/static/", "/static/css/tokens.css", "/static/nothing.css", "/static/../web.go", "/static/vendor/htmx.min.js"} {
		if got := b.get(t, address).status; got != http.StatusNotFound && got != http.StatusMovedPermanently && got != http.StatusTemporaryRedirect {
			t.Errorf("%s: got %d, want it not to be found", address, got)
		}
	}
}

func TestServiceWorkerKeepsOnlyTheOfflinePage(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser()
	a := b.get(t, "/sw.js").want(http.StatusOK)
	if a.header.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("got header %v", a.header)
	}
	if strings.Contains(a.body, "BUILD") || strings.Contains(a.body, "FILES") {
		t.Error("the script is not filled in")
	}
	list := regexp.MustCompile(`files = \[([^\]]+)\]`).FindStringSubmatch(a.body)
	if list == nil {
		t.Fatalf("no list of files in %s", a.body)
	}
	for quoted := range strings.SplitSeq(list[1], ",") {
		b.get(t, strings.Trim(quoted, `"`)).want(http.StatusOK)
	}
}

// Every icon is drawn somewhere; others would only make the program larger.
func TestIconsAreUsed(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, pattern := range []string{"view/*.templ", "view/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if strings.HasSuffix(n, "_templ.go") {
				continue
			}
			b, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	icons, err := filepath.Glob("view/icons/*.svg")
	if err != nil || len(icons) == 0 {
		t.Fatalf("no icons: %v", err)
	}
	for _, path := range icons {
		if name := strings.TrimSuffix(filepath.Base(path), ".svg"); !strings.Contains(source.String(), `"`+name+`"`) {
			t.Errorf("icon %s is not used", name)
		}
	}
}
