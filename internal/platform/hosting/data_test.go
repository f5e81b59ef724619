package hosting_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/hosting"

	"github.com/google/go-cmp/cmp"
)

func TestDataSets(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t)
	p.get(t, label, "/keep/a.db/1")
	if got := contents(t, p, "mine"); got != "a.db=1 " {
		t.Errorf("a running app's data are exported as %q", got)
	}
	if p.cages.holding == 0 {
		t.Error("the app was not held still while its data were read")
	}
	if err := p.Copy(t.Context(), project, "mine", "version/2"); err != nil {
		t.Fatal(err)
	}
	p.get(t, label, "/keep/a.db/2")
	p.get(t, label, "/keep/sub%2Fb.db/3")
	if got := contents(t, p, "mine") + contents(t, p, "version/2"); got != "a.db=2 sub/b.db=3 a.db=1 " {
		t.Errorf("original and copy are %q", got)
	}
	// Back to what it was: today's are gone, the app restarts on those of then.
	if err := p.Copy(t.Context(), project, "version/2", "mine"); err != nil {
		t.Fatal(err)
	}
	if got := p.get(t, label, "/kept/a.db") + p.get(t, label, "/kept/sub%2Fb.db"); got != "1nothing" {
		t.Errorf("after going back it kept %q", got)
	}
	if err := p.Reset(t.Context(), project, "mine"); err != nil {
		t.Fatal(err)
	}
	if got := p.get(t, label, "/kept/a.db"); got != "nothing" {
		t.Errorf("after a reset it kept %q", got)
	}
	if err := p.Import(t.Context(), project, "mine", fstest.MapFS{"a.db": {Data: []byte("sample")}, "l": {Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink}}); err != nil {
		t.Fatal(err)
	}
	if got := p.get(t, label, "/kept/a.db"); got != "sample" {
		t.Errorf("after an import it kept %q", got)
	}
	sets, err := p.DataSets(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range sets {
		list = append(list, fmt.Sprintf("%s %d", s.Name, s.Bytes))
	}
	if diff := cmp.Diff([]string{"mine 6", "version/2 1"}, list); diff != "" {
		t.Errorf("data sets (-want +got):\n%s", diff)
	}
	if err := p.Export(t.Context(), project, "none", func(hosting.File) error { return nil }); !fault.Is(err, fault.NotFound) {
		t.Errorf("export of nothing: %v", err)
	}
}

func contents(t *testing.T, p *process, set string) string {
	t.Helper()
	var all strings.Builder
	err := p.Export(t.Context(), project, set, func(f hosting.File) error {
		all.WriteString(f.Name + "=" + string(f.Body) + " ")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// Large files are kept byte by byte, and a small change of one costs little.
func TestDataInPieces(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	large := make([]byte, 10<<20+5)
	if _, err := rand.NewChaCha8([32]byte{}).Read(large); err != nil {
		t.Fatal(err)
	}
	if err := p.Import(t.Context(), project, "mine", fstest.MapFS{"large": {Data: large, ModTime: time.Unix(1e9, 0)}}); err != nil {
		t.Fatal(err)
	}
	var before int
	count := `SELECT count(*) FROM hosted_piece`
	if err := w.pool.QueryRow(t.Context(), count).Scan(&before); err != nil {
		t.Fatal(err)
	}
	large[5<<20]++
	if err := p.Import(t.Context(), project, "mine", fstest.MapFS{"large": {Data: large, ModTime: time.Unix(1e9, 0)}}); err != nil {
		t.Fatal(err)
	}
	err := p.Export(t.Context(), project, "mine", func(f hosting.File) error {
		if string(f.Body) != string(large) || f.Name != "large" || f.At.Unix() != 1e9 {
			t.Errorf("%s came back with %d bytes of %s", f.Name, len(f.Body), f.At)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var after int
	if err := w.pool.QueryRow(t.Context(), count).Scan(&after); err != nil {
		t.Fatal(err)
	}
	if after != before+1 {
		t.Errorf("one changed byte made %d new pieces", after-before)
	}
	// What no list names goes after an hour, and nothing else.
	w.exec(t, `UPDATE hosted_piece SET used_at = now() - interval '2 hours'`)
	if n, err := p.Sweep(t.Context()); err != nil || n != 1 {
		t.Errorf("swept %d, %v", n, err)
	}
	if n := len(contents(t, p, "mine")); n != len("large= ")+len(large) {
		t.Errorf("after a sweep %d bytes are left", n)
	}
}

// Beyond its cap nothing is saved, what was saved stays, and the founder is told.
func TestDataCap(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t, func(c *hosting.Config) { c.DataCap = 1000 })
	label := p.app(t)
	p.get(t, label, "/keep/a/small")
	if got := contents(t, p, "mine"); got != "a=small " {
		t.Fatalf("it saved %q", got)
	}
	p.get(t, label, "/keep/b/"+strings.Repeat("x", 1000))
	if err := p.Export(t.Context(), project, "mine", func(hosting.File) error { return nil }); err == nil {
		t.Error("too much was exported as if it had been saved")
	}
	if st, err := p.Standing(t.Context(), label); err != nil || st.State != hosting.Running || !strings.Contains(st.Reason, "more data than can be saved") {
		t.Errorf("the founder is told %+v, %v", st, err)
	}
	if err := p.Stop(t.Context(), label); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, p, "mine"); got != "a=small " {
		t.Errorf("afterwards there is %q", got)
	}
	if err := p.Import(t.Context(), project, "mine", fstest.MapFS{"b": {Data: make([]byte, 1001)}}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("import of too much: %v", err)
	}
}

// Links and pipes an app plants in its data folder are neither followed nor kept.
func TestPlantedData(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	p := w.start(t)
	label := p.app(t)
	p.get(t, label, "/keep/ok/1")
	p.cages.mu.Lock()
	for _, k := range p.cages.living {
		for name, to := range map[string]string{"data/absolute": "/etc/passwd", "data/relative": "../main", "data/up": ".."} {
			if err := k.root.Symlink(to, name); err != nil {
				t.Error(err)
			}
		}
	}
	p.cages.mu.Unlock()
	if got := contents(t, p, "mine"); got != "ok=1 " {
		t.Errorf("it kept %q", got)
	}
}
