package edit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"cofounder/internal/product/build/edit"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestApply(t *testing.T) {
	t.Parallel()
	const program = "func a() {\n\treturn 1\n}\n\nfunc b() {\n\treturn 1\n}\n"
	for name, c := range map[string]struct {
		text  string
		edits []edit.Edit
		want  string
		rungs []edit.Rung
	}{
		"exact": {"one two", []edit.Edit{{Old: "two", New: "three"}}, "one three", []edit.Rung{edit.Exact}},
		"all": {
			"x = x + x0",
			[]edit.Edit{{Old: "x = ", New: "y = "}, {Old: " + x", New: " + y", All: true}},
			"y = x + y0",
			[]edit.Rung{edit.Exact, edit.Exact},
		},
		"later edits see earlier ones": {
			"a", []edit.Edit{{Old: "a", New: "bb"}, {Old: "bb", New: "ccc"}}, "ccc", []edit.Rung{edit.Exact, edit.Exact},
		},
		"near tells equal passages apart": {
			program,
			[]edit.Edit{{Old: "return 1", New: "return 2", Near: 6}},
			"func a() {\n\treturn 1\n}\n\nfunc b() {\n\treturn 2\n}\n",
			[]edit.Rung{edit.Exact},
		},
		"white space at line ends": {
			"a  \nb\t\nc\n", []edit.Edit{{Old: "a\nb\n", New: "d\n"}}, "d\nc\n", []edit.Rung{edit.Trailing},
		},
		"indentation the model left out": {
			"if x {\n\t\tfoo()\n\t\tbar()\n}\n",
			[]edit.Edit{{Old: "foo()\nbar()", New: "foo()\n\nbaz()"}},
			"if x {\n\t\tfoo()\n\n\t\tbaz()\n}\n",
			[]edit.Rung{edit.Indented},
		},
		"a block shifted to the left": {
			"if x {\n\tfoo() {\n\t\tbar()\n\t}\n}\n",
			[]edit.Edit{{Old: "foo() {\n\tbar()\n}\n", New: "foo() {\n\tbaz()\n}\n"}},
			"if x {\n\tfoo() {\n\t\tbaz()\n\t}\n}\n",
			[]edit.Rung{edit.Indented},
		},
		"a block shifted to the right": {
			"foo()\nbar()\n", []edit.Edit{{Old: "    foo()\n    bar()", New: "    baz()"}}, "baz()\n", []edit.Rung{edit.Indented},
		},
		"typographic quotes": {
			"say(“hi”) – now\n",
			[]edit.Edit{{Old: "say(\"hi\") - now", New: "say(\"ho\")"}},
			"say(\"ho\")\n",
			[]edit.Rung{edit.Punctuation},
		},
		"line numbers of a listing": {
			"a\nb\nc\n", []edit.Edit{{Old: "     1\ta\n     2\tb", New: "     1\tx"}}, "x\nc\n", []edit.Rung{edit.Numbered},
		},
		"line ends of the file stay": {
			"a\r\nb\r\nc\n", []edit.Edit{{Old: "a\nb\n", New: "x\ny\n"}}, "x\r\ny\r\nc\n", []edit.Rung{edit.Exact},
		},
		"a byte order mark stays": {
			"\uFEFFa\n", []edit.Edit{{Old: "a", New: "b"}}, "\uFEFFb\n", []edit.Rung{edit.Exact},
		},
		"the last line has no end": {
			"a\nb", []edit.Edit{{Old: "b\n", New: "c\n"}}, "a\nc", []edit.Rung{edit.Trailing},
		},
		"a placeholder that was there before": {
			"// ... rest of the menu\nx",
			[]edit.Edit{{Old: "x", New: "// ... rest of the menu\ny"}},
			"// ... rest of the menu\n// ... rest of the menu\ny",
			[]edit.Rung{edit.Exact},
		},
		"deleting": {"a\nb\nc\n", []edit.Edit{{Old: "b\n"}}, "a\nc\n", []edit.Rung{edit.Exact}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, passages, err := edit.Apply([]byte(c.text), c.edits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			var rungs []edit.Rung
			for _, p := range passages {
				if len(rungs) <= p.Edit {
					rungs = append(rungs, p.Rung)
				}
			}
			if diff := cmp.Diff(c.rungs, rungs); diff != "" {
				t.Errorf("rungs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		edits []edit.Edit
		why   edit.Why
		says  string
	}{
		"no edit":         {"a", nil, edit.Count, "1 to 20"},
		"too many":        {"a", make([]edit.Edit, edit.MaxEdits+1), edit.Count, "21 edits"},
		"empty":           {"a", []edit.Edit{{New: "b"}}, edit.Empty, "Use write"},
		"same":            {"a", []edit.Edit{{Old: "a", New: "a"}}, edit.Same, "the same"},
		"long":            {"a", []edit.Edit{{Old: "a", New: strings.Repeat("b", edit.MaxBytes+1)}}, edit.TooLong, "64 KB"},
		"all of a letter": {"aa", []edit.Edit{{Old: "a", New: "b", All: true}}, edit.ShortAll, "3 characters"},
		"binary":          {"a\x00", []edit.Edit{{Old: "a", New: "b"}}, edit.Binary, "not a text"},
		"to binary":       {"a", []edit.Edit{{Old: "a", New: "\x00"}}, edit.Binary, "not a text"},
		"elided": {
			"a", []edit.Edit{{Old: "a", New: "b\n  // ... rest of the function unchanged"}}, edit.Elided, "rest of the function",
		},
		"twice":       {"aba\nx\nab", []edit.Edit{{Old: "ab", New: "c"}}, edit.Ambiguous, "2 times, at lines 1, 3"},
		"overlapping": {"aaa", []edit.Edit{{Old: "aa", New: "b"}}, edit.Ambiguous, "2 times, at lines 1."},
		"twice near nothing": {
			"ab" + strings.Repeat("\n", 80) + "ab", []edit.Edit{{Old: "ab", New: "c", Near: 40}}, edit.Ambiguous, "near_line",
		},
		"same distance": {"ab\n\nab", []edit.Edit{{Old: "ab", New: "c", Near: 2}}, edit.Ambiguous, "lines 1, 3"},
		"other white space": {
			"x\n\tif a  {\n\t}\n", []edit.Edit{{Old: "if a {", New: "if b {"}}, edit.NotFound, "lines 2–2 (→ is a tab, · a space)",
		},
		"a similar block": {
			"one();\ntwo();\nthree();\n", []edit.Edit{{Old: "one();\n2();\nthree();", New: "x"}}, edit.NotFound, "2 of 3 lines are equal",
		},
		"only line numbers": {"a\nb", []edit.Edit{{Old: "     1\t", New: "x", All: true}}, edit.NotFound, "Read the file"},
		"nothing like it":   {"a\n", []edit.Edit{{Old: "zebra", New: "x"}}, edit.NotFound, "Read the file"},
		"removed by an edit before": {
			"ab", []edit.Edit{{Old: "a", New: "x"}, {Old: "ab", New: "c"}}, edit.NotFound, "an earlier edit of it changed the passage",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := edit.Apply([]byte(c.text), c.edits)
			var refused *edit.Error
			if !errors.As(err, &refused) {
				t.Fatalf("Apply = %q, %v, want an *edit.Error", got, err)
			}
			if refused.Why != c.why || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "Nothing was changed") {
				t.Errorf("refused for %d: %q, want %d with %q", refused.Why, err, c.why, c.says)
			}
		})
	}
}

func TestElision(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"// ... existing code ...":           true,
		"# ... rest of file":                 true,
		"/* … unchanged */":                  true,
		"<!-- ... same as above -->":         true,
		"[rest of the function]":             true,
		"// rest of the handler unchanged":   true,
		"// previous imports stay the same":  true,
		"for (const x of [...rest]) {}":      false,
		"func f(existing ...string) {}":      false,
		"// the rest is up to the caller":    false,
		"fmt.Println(\"... and the rest\")":  false,
		"// existing rows are kept by id":    false,
		"The rest of the story is unchanged": false,
	} {
		if got := edit.Elision(text) != ""; got != want {
			t.Errorf("Elision(%q) = %v, want %v", text, got, want)
		}
	}
}

// texts are made of few letters, so that passages repeat.
func texts(ends string) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("ab \t(“"+ends)), 0, 60, -1)
}

func TestExactIsReplace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.StringOfN(rapid.RuneFrom([]rune("ab \n")), edit.MinAll, 5, -1).Draw(t, "old")
		parts := rapid.SliceOfN(texts("\n"), 2, 4).Draw(t, "parts")
		e := edit.Edit{Old: old, New: texts("\n").Draw(t, "new") + "!", All: true}
		text := strings.Join(parts, old)
		got, _, err := edit.Apply([]byte(text), []edit.Edit{e})
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(text, e.Old, e.New); string(got) != want {
			t.Fatalf("Apply = %q, want %q", got, want)
		}
	})
}

// TestOnlyPassagesChange: what stands before the first and behind the last passage is
// what stood there, to the byte.
func TestOnlyPassagesChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := texts("\r\n").Draw(t, "before"), texts("\r\n").Draw(t, "after")
		old := rapid.StringOfN(rapid.RuneFrom([]rune("xy \t")), 1, 10, -1).
			Filter(func(s string) bool { return strings.TrimSpace(s) != "" }).Draw(t, "old")
		text := before + "\n" + old + "\r\n" + after
		given := rapid.SampledFrom([]string{old, old + "  ", "\t" + old, strings.TrimSpace(old), "7\t" + old}).Draw(t, "given")
		got, passages, err := edit.Apply([]byte(text), []edit.Edit{{Old: given, New: "new"}})
		if err != nil {
			if _, ok := errors.AsType[*edit.Error](err); !ok {
				t.Fatal(err)
			}
			t.Skip("refused")
		}
		if !bytes.HasPrefix(got, []byte(before+"\n")) || !bytes.HasSuffix(got, []byte("\r\n"+after)) {
			t.Fatalf("%q became %q by %+v", text, got, passages)
		}
	})
}

func FuzzApply(f *testing.F) {
	f.Add("a\r\nb\n", "a\n", "c\n", 1, false)
	f.Add("\uFEFF\ta\n", "     1\ta", "", 0, true)
	f.Add("", "\n", "x", -1, true)
	f.Add("ab", "1\t", "x", 0, true)
	f.Fuzz(func(t *testing.T, text, old, with string, near int, all bool) {
		got, passages, err := edit.Apply([]byte(text), []edit.Edit{{Old: old, New: with, Near: near, All: all}})
		if err != nil {
			if err.Error() == "" || got != nil {
				t.Errorf("refused with %q and text %q", err, got)
			}
			return
		}
		if len(passages) == 0 || len(passages) > 1 && !all {
			t.Errorf("%d passages", len(passages))
		}
	})
}
