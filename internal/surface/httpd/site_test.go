package httpd_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cofounder/internal/surface/httpd"
)

// Another site gets everything under its names, and nothing of ours: no header, no
// probe, no page.
func TestSite(t *testing.T) {
	t.Parallel()
	site := httpd.Site{
		Owns: func(host string) bool { return strings.HasPrefix(host, "other.") },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			httpd.Named(r, "othersite")
			if err := httpd.Unlimited(w, r); err != nil {
				t.Error(err)
			}
			if r.URL.Path == "/panic" {
				panic("boom")
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if _, err := io.WriteString(w, "other "+r.URL.Path+" "+string(body)); err != nil {
				t.Error(err)
			}
		}),
	}
	ours := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("our own site was asked") })
	w := prepared(t, ours, func(c *httpd.Config) {
		c.Sites = []httpd.Site{site}
		c.Pages = func(http.ResponseWriter, *http.Request, httpd.Problem) { t.Error("our own page was drawn") }
	})
	for path, want := range map[string]string{
		"/livez": "other /livez ", "/metrics": "other /metrics ", "/static/app.css": "other /static/app.css ",
		"/panic": `"code":"internal"`,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://other.example"+path, nil)
		r.Header.Set("Accept", "text/html")
		rec := httptest.NewRecorder()
		w.Handler().ServeHTTP(rec, r)
		if got := rec.Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s answered %q, want %q", path, got, want)
		}
		if policy := rec.Header().Get("Content-Security-Policy"); policy != "" {
			t.Errorf("%s got our policy %q", path, policy)
		}
	}
	large := strings.Repeat("x", 2<<20) // more than our own pages take
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://other.example/", strings.NewReader(large))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusOK || rec.Body.Len() < len(large) {
		t.Errorf("a large request from elsewhere answered %d, %d bytes", rec.Code, rec.Body.Len())
	}
	if !strings.Contains(w.log.String(), "othersite") {
		t.Errorf("the log does not name the route:\n%s", w.log)
	}
}
