package form

import (
	"strings"
	"testing"
	"unicode/utf8"

	"cofounder/internal/base/fault"
)

func TestLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in    string
		least, most int
		want        string
		refused     string
	}{
		{"plain", "Pawbook", 1, 80, "Pawbook", ""},
		{"trimmed", " \tPawbook\n ", 1, 80, "Pawbook", ""},
		{"kinds of space", "a\u00a0b\u3000c", 1, 80, "a b c", ""},
		{"joined emoji", "👩‍🚀 ship", 1, 80, "👩‍🚀 ship", ""},
		{"accents", "Cafe\u0301", 1, 80, "Cafe\u0301", ""},
		{"empty, allowed", "  ", 0, 80, "", ""},
		{"empty, needed", "  ", 1, 80, "", "Please fill this in."},
		{"nothing to see", "\u200d\u200c", 1, 80, "", "Please fill this in."},
		{"line break", "a\nb", 1, 80, "", "Line breaks and invisible characters are not possible here."},
		{"tab", "a\tb", 1, 80, "", "Line breaks and invisible characters are not possible here."},
		{"NUL", "a\x00b", 1, 80, "", "Line breaks and invisible characters are not possible here."},
		{"escape", "a\x1b[31mb", 1, 80, "", "Line breaks and invisible characters are not possible here."},
		{"direction", "a\u202eb", 1, 80, "", "Line breaks and invisible characters are not possible here."},
		{"byte order mark", "a\ufeffb", 1, 80, "", "Line breaks and invisible characters are not possible here."},
		{"not UTF-8", "a\xffb", 1, 80, "", "This is not readable text."},
		{"surrogate", "a\xed\xa0\x80b", 1, 80, "", "This is not readable text."},
		{"too short", "abc", 4, 80, "", "At least 4 characters, please."},
		{"too long", "ab", 1, 1, "", "At most 1 character, please."},
		{"longest, in characters", strings.Repeat("é", 80), 1, 80, strings.Repeat("é", 80), ""},
		{"one more", strings.Repeat("é", 81), 1, 80, "", "At most 80 characters, please."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var f Form
			got := f.Line("name", tt.in, tt.least, tt.most)
			if got != tt.want || refusal(f.Err()) != tt.refused {
				t.Errorf("Line(%q) = %q, %q; want %q, %q", tt.in, got, refusal(f.Err()), tt.want, tt.refused)
			}
		})
	}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	const notText = "This is not readable text. Was a file pasted that is not text?"
	tests := []struct {
		name, in string
		want     string
		refused  string
	}{
		{"plain", "an idea", "an idea", ""},
		{"empty", "\n \t", "", ""},
		{"lines of all systems", "a\r\nb\rc\nd\u2028e\u0085f", "a\nb\nc\nd\ne\nf", ""},
		{"tab is kept", "a\tb", "a\tb", ""},
		{"control characters are dropped", "\ufeffa\x1b[31mb\x07\x7f", "a[31mb", ""},
		{"NUL", "a\x00b", "", notText},
		{"not UTF-8", "%PDF-1.7\xb5\xb5", "", notText},
		{"longest", strings.Repeat("x", 1200), strings.Repeat("x", 1200), ""},
		{"one more", strings.Repeat("x", 1201), "", "This is longer than 1\u202f200 bytes, about 200 words. Please shorten it."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var f Form
			got := f.Block("idea", tt.in, 1200)
			if got != tt.want || refusal(f.Err()) != tt.refused {
				t.Errorf("Block(%q) = %q, %q; want %q, %q", tt.in, got, refusal(f.Err()), tt.want, tt.refused)
			}
		})
	}
}

func TestProblemsAreCollected(t *testing.T) {
	t.Parallel()
	var f Form
	if f.Err() != nil {
		t.Fatalf("an empty form has %v", f.Err())
	}
	f.Line("name", "", 1, 80)
	f.Line("title", "fine", 1, 80)
	f.Refuse("email", "No.")
	got := fault.Of(f.Err())
	if got == nil || got.Kind != fault.Invalid || len(got.Fields) != 2 || got.Fields[0].Name != "name" || got.Fields[1] != (fault.Field{Name: "email", Detail: "No."}) {
		t.Errorf("Err = %+v", got)
	}
}

func refusal(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Fields[0].Detail
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "a\r\n\r\nb\x00", "\xff", "\u200d", "👩‍🚀", "\u202e", "  x\u3000y  "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var line, block Form
		l, b := line.Line("x", s, 1, 40), block.Block("x", s, 4000)
		if line.Err() == nil && (l == "" || !utf8.ValidString(l) || utf8.RuneCountInString(l) > 40 || strings.ContainsAny(l, "\n\r\t\x00") || strings.TrimSpace(l) != l) {
			t.Errorf("Line(%q) = %q", s, l)
		}
		if block.Err() == nil && (!utf8.ValidString(b) || len(b) > 4000 || strings.ContainsAny(b, "\r\x00\x1b") || strings.TrimSpace(b) != b) {
			t.Errorf("Block(%q) = %q", s, b)
		}
		var again Form
		if line.Err() == nil && again.Line("x", l, 1, 40) != l {
			t.Errorf("Line(%q) is not Line(Line(%q))", s, s)
		}
		if block.Err() == nil && again.Block("x", b, 4000) != b {
			t.Errorf("Block(%q) is not Block(Block(%q))", s, s)
		}
	})
}
