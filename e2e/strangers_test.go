package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"cofounder/internal/platform/hosting"
)

// TestStrangersCodeIsNotRun: where anybody may sign up and no cage has a kernel of its
// own, the product is up, no app is started, and the pages say why.
func TestStrangersCodeIsNotRun(t *testing.T) {
	t.Parallel()
	p := serve(t, "COFOUNDER_SIGNUP=open")
	o := p.owner(t)
	const why = "code made for strangers is only run in a cage with a kernel of its own"
	for path, want := range map[string]string{
		"/readyz": "", "/new": why, "/admin/apps": "None. There is one while something is built",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := exchange(t, o.client.Do, r); got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s is %d and does not say %q:\n%s", path, got.status, want, got.body)
		}
	}
	label := o.app(t, "static", []string{"true"})
	if st, err := p.app.Apps.Wake(t.Context(), label); err != nil || st.State != hosting.Refused || !strings.Contains(st.Reason, why) {
		t.Errorf("an app is %+v, %v", st, err)
	}
}
