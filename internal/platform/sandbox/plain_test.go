package sandbox_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"cofounder/internal/platform/sandbox"
)

func TestPlainText(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ in, want string }{
		"words":                     {"héllo\tworld\n", "héllo\tworld\n"},
		"colour":                    {"\x1b[1;31mred\x1b[0m", "red"},
		"title":                     {"a\x1b]0;pwned\x07b\x1b]2;x\x1b\\c", "abc"},
		"device control":            {"a\x1bP1$r0m\x1b\\b", "ab"},
		"a link":                    {"\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\", "text"},
		"single C1 characters":      {"a\u009b31mb\u009d0;t\u009cc\u0085d", "abcd"},
		"raw C1 bytes":              {"a\x9b31m", "a\uFFFD31m"},
		"character set":             {"\x1b(0x\x1b(B", "x"},
		"reset":                     {"\x1bcx", "x"},
		"a progress bar":            {"10%\r20%\r\ndone", "10%\n20%\ndone"},
		"bell, backspace, null":     {"a\x07\x08\x00\x7fb", "ab"},
		"direction reversed":        {"a\u202egnp.exe\u2066b", "agnp.exeb"},
		"not UTF-8":                 {"a\xff\xfeb", "a\uFFFD\uFFFDb"},
		"a character that never is": {"a\xe2\x82", "a\uFFFD"},
		"a sequence in a sequence":  {"\x1b]0;\x1b[31mx", "x"},
		"a sequence without an end": {"\x1b]0;" + strings.Repeat("x", 5000), strings.Repeat("x", 905)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sandbox.PlainText([]byte(c.in)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b]0;t\x07\xe2\x82\xac\r\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		whole := sandbox.PlainText(b)
		if !utf8.ValidString(whole) {
			t.Errorf("not UTF-8: %q", whole)
		}
		for _, r := range whole {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q is left in %q", r, whole)
			}
		}
		if again := sandbox.PlainText([]byte(whole)); again != whole {
			t.Errorf("plain text changed: %q became %q", whole, again)
		}
		var parts bytes.Buffer
		w := sandbox.Plain(&parts)
		cut = min(max(cut, 0), len(b))
		for _, part := range [][]byte{b[:cut], b[cut:]} {
			if n, err := w.Write(part); n != len(part) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(part), err)
			}
		}
		if got := strings.TrimSuffix(whole, "\uFFFD"); strings.TrimSuffix(parts.String(), "\uFFFD") != got && parts.String() != got {
			t.Errorf("in two writes %q, in one %q", parts.String(), whole)
		}
	})
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		size   int
		writes []string
		want   string
	}{
		"fits":              {20, []string{"one\n", "two\n"}, "one\ntwo\n"},
		"just fits":         {8, []string{"12345678"}, "12345678"},
		"one byte more":     {8, []string{"123456789"}, "1234\n… 1 bytes left out …\n6789"},
		"byte by byte":      {4, strings.Split("abcdefgh", ""), "ab\n… 4 bytes left out …\ngh"},
		"one large write":   {4, []string{"ab", strings.Repeat("x", 1000) + "yz"}, "ab\n… 1000 bytes left out …\nyz"},
		"no half character": {8, []string{"123€" + "xxxxxx" + "€4"}, "123\n… 8 bytes left out …\n€4"},
		"escapes":           {20, []string{"\x1b[3", "1mred"}, "red"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := sandbox.NewTranscript(c.size)
			for _, w := range c.writes {
				if n, err := kept.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatalf("wrote %d of %d: %v", n, len(w), err)
				}
			}
			if got := kept.Text(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
