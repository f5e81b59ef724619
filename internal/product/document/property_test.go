package document_test

import (
	"slices"
	"strings"
	"testing"

	"cofounder/internal/base/fault/faulttest"
	"cofounder/internal/product/document"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever we write and the founder edits, takes, leaves and restores, in whatever order:
// every version stays as it was, numbers have no gap, and words of the founder's are
// replaced by nobody else.
func TestNoWordIsLostProperty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	words := rapid.SampledFrom([]string{"Quiet hours.", "No calls.", "Calm.", "Fewer calls."})
	sections := []string{"problem", "target_user", "value"}
	rapid.Check(t, func(rt *rapid.T) {
		d := w.desk(t)
		d.write(t, brief())
		kept := []document.Version{*d.get(t, document.BriefKind).Current}
		own := map[string]string{} // section → the founder's words in force
		said := func(c document.Content, key string) string {
			for _, s := range c.Outline() {
				if s.Key == key {
					return s.Plain()
				}
			}
			return ""
		}
		current := func() document.Version { return kept[len(kept)-1] }
		keep := func(v document.Version) {
			if v.Number == current().Number {
				return
			}
			if v.Number != current().Number+1 {
				rt.Fatalf("version %d after %d", v.Number, current().Number)
			}
			kept = append(kept, v)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"we write": func(rt *rapid.T) {
				b := brief()
				b.Problem, b.TargetUser, b.Value = words.Draw(rt, "problem"), words.Draw(rt, "target"), words.Draw(rt, "value")
				out, err := d.finish(t, document.Draft{Content: b})
				if err != nil {
					rt.Fatal(err)
				}
				if out.Version != nil {
					keep(*out.Version)
				}
			},
			"the founder edits": func(rt *rapid.T) {
				at := rapid.SampledFrom(sections).Draw(rt, "section")
				base := rapid.IntRange(1, current().Number).Draw(rt, "base")
				text := words.Draw(rt, "text")
				v, err := d.edit(t, document.BriefKind, at, text, base)
				if err != nil {
					if !strings.HasPrefix(faulttest.Says(err), "conflict edited_meanwhile") || base == current().Number {
						rt.Fatal(err)
					}
					return
				}
				if v.Number > current().Number {
					own[at] = text
				}
				keep(v)
			},
			"the founder answers": func(rt *rapid.T) {
				p := d.get(t, document.BriefKind).Proposal
				if p == nil {
					return
				}
				if rapid.Bool().Draw(rt, "decline") {
					if err := d.Decline(t.Context(), d.actor, d.project, document.BriefKind, p.ID); err != nil {
						rt.Fatal(err)
					}
					return
				}
				before := current()
				v, err := d.Accept(t.Context(), d.actor, d.project, document.BriefKind, document.Take{Proposal: p.ID, Base: before.Number})
				if err != nil {
					rt.Fatal(err)
				}
				keep(v)
				for _, c := range document.Compare(before.Content, v.Content) {
					delete(own, c.Key)
				}
			},
			"the founder restores": func(rt *rapid.T) {
				before := current()
				number := rapid.IntRange(1, before.Number).Draw(rt, "number")
				v, err := d.Restore(t.Context(), d.actor, d.project, document.BriefKind, number, before.Number)
				if err != nil {
					rt.Fatal(err)
				}
				keep(v)
				for _, c := range document.Compare(before.Content, v.Content) {
					own[c.Key] = said(v.Content, c.Key)
				}
			},
			"": func(rt *rapid.T) {
				for key, text := range own {
					if got := said(current().Content, key); got != text {
						rt.Fatalf("%s says %q, the founder said %q", key, got, text)
					}
					if !slices.Contains(current().Edited, key) {
						rt.Fatalf("%s is not known as the founder's: %v", key, current().Edited)
					}
				}
				all, err := d.Versions(t.Context(), d.actor, d.project, document.BriefKind, 0, 100)
				if err != nil {
					rt.Fatal(err)
				}
				slices.Reverse(all)
				if diff := cmp.Diff(kept, all); diff != "" {
					rt.Fatalf("versions (-made +kept):\n%s", diff)
				}
			},
		})
	})
}
