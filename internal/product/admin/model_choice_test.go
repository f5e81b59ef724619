package admin_test

import (
	"testing"

	"cofounder/internal/base/fault"
	"cofounder/internal/product/admin"
	"cofounder/internal/product/meter"

	"github.com/google/go-cmp/cmp"
)

// Models are chosen for everybody and audited, or neither.
func TestModelsAreAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	type roles = map[meter.Role]string
	coder := roles{meter.Coder: "claude-opus-5"}
	for name, tt := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"not an operator":    {w.ChooseModels(ctx, w.owner, coder, "It builds better."), fault.Forbidden},
		"no reason":          {w.ChooseModels(ctx, w.boss, coder, " "), fault.Invalid},
		"a model of no card": {w.ChooseModels(ctx, w.boss, roles{meter.Coder: "nobody-knows"}, "It builds better."), fault.Invalid},
	} {
		if !fault.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %s", name, tt.err, tt.want)
		}
	}
	if n := w.count(`SELECT (SELECT count(*) FROM operator_role) + (SELECT count(*) FROM audit)`); n != 0 {
		t.Fatalf("%d rows of what was refused", n)
	}
	for _, do := range []struct {
		chosen roles
		reason string
	}{{coder, "It builds better."}, {roles{meter.Coder: "claude-opus-5-5", meter.Writer: "claude-opus-5"}, "Newer."}, {nil, "Too dear."}} {
		if err := w.ChooseModels(ctx, w.boss, do.chosen, do.reason); err != nil {
			t.Fatal(err)
		}
	}
	// What cannot be written down is not done.
	w.exec(`ALTER TABLE audit ADD CONSTRAINT full_up CHECK (reason <> 'Once more.')`)
	if err := w.ChooseModels(ctx, w.boss, coder, "Once more."); err == nil {
		t.Error("models were chosen without an entry")
	}
	if n := w.count(`SELECT count(*) FROM operator_role`); n != 0 {
		t.Errorf("%d choices are left", n)
	}
	page, err := w.Audit(ctx, w.boss, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Entries {
		got = append(got, e.Who+"|"+string(e.Action)+"|"+e.Subject+"|"+e.Note+"|"+e.Reason)
	}
	const what = "Olga|" + string(admin.ChooseModels) + "|models|"
	want := []string{
		what + "writer: the usual one instead of claude-opus-5; coder: the usual one instead of claude-opus-5-5|Too dear.",
		what + "writer: claude-opus-5 instead of the usual one; coder: claude-opus-5-5 instead of claude-opus-5|Newer.",
		what + "coder: claude-opus-5 instead of the usual one|It builds better.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("audit (-want +got):\n%s", d)
	}
}
