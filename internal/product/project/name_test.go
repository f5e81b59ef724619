package project

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNameOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, idea, want string }{
		{"short", "Pawbook", "Pawbook"},
		{"first line", "Pawbook\nA booking page", "Pawbook"},
		{"first sentence", "A page for my salon. It has bookings.", "A page for my salon"},
		{"question", "Could dogs book online? I think so.", "Could dogs book online?"},
		{"a stop in a number", "Version 2.0 of my shop with 3.5 stars", "Version 2.0 of my shop with 3.5 stars"},
		{"an early stop", "E.g. a page for dogs", "E.g. a page for dogs"},
		{"an address", "Like example.com for dogs", "Like example.com for dogs"},
		{"heading", "# Pawbook\n\ntext", "Pawbook"},
		{"list", "- a booking page\n- reminders", "a booking page"},
		{"rule and empty lines first", "\n---\n\n***\nPawbook", "Pawbook"},
		{"tabs and spaces", "a\t\tbooking   page", "a booking page"},
		{"cut at a word", "A booking page for my dog grooming salon where customers choose a time", "A booking page for my dog grooming salon where customers"},
		{"cut before a comma", "A booking page for my dog grooming salon, the customers, who choose", "A booking page for my dog grooming salon, the customers, who"},
		{"exactly sixty", strings.Repeat("abcde ", 9) + "abcdef", strings.Repeat("abcde ", 9) + "abcdef"},
		{"one long word", strings.Repeat("x", 100), strings.Repeat("x", 60)},
		{"accents stay whole", strings.Repeat("x", 59) + "e\u0301" + strings.Repeat("x", 40), strings.Repeat("x", 59)},
		{"joined emoji stay whole", strings.Repeat("x", 59) + "👩‍🚀" + strings.Repeat("x", 40), strings.Repeat("x", 59)},
		{"Japanese", "犬の予約。猫も。", "犬の予約"},
		{"invisible characters", "Paw\u200bbook\u202e", "Pawbook"},
		{"only marks", "?!\n...", "Untitled idea"},
		{"only an emoji", "🐶", "Untitled idea"},
		{"nothing", "", "Untitled idea"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := nameOf(tt.idea); got != tt.want {
				t.Errorf("nameOf(%q) = %q, want %q", tt.idea, got, tt.want)
			}
		})
	}
}

func FuzzNameOf(f *testing.F) {
	for _, s := range []string{"", "Pawbook", "# a\nb", "\u0301\u0301", strings.Repeat("\u0301", 100), strings.Repeat("\u200d", 100), strings.Repeat("a. ", 50), "\xff", "x" + strings.Repeat("\u0301", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := nameOf(s)
		if n := utf8.RuneCountInString(got); n < 1 || n > maxDerived || !utf8.ValidString(got) || strings.TrimSpace(got) != got || strings.ContainsAny(got, "\n\r\t\x00") {
			t.Errorf("nameOf(%q) = %q", s, got)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("MTc5MDAwMDAwMDAwMDAwMC5wcmpfMDFrYXY1enNrM3E4dDJtNHg3bjlwNnIwd2Q")
	f.Add("LTEu")
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err != nil {
			return
		}
		if s == "" {
			if c.at != nil {
				t.Errorf("the empty cursor is at %v", c.at)
			}
			return
		}
		if c.String() != s || c.at.Year() > 9999 || c.at.Year() < 1970 {
			t.Errorf("%q reads as %q at %v", s, c.String(), c.at)
		}
	})
}
