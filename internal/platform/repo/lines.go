package repo

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// maxCompared is the largest file that is compared line by line.
const maxCompared = 2 << 20

// isText reports whether git would take the content for text: no NUL in its
// beginning.
func isText(content string) bool {
	return !strings.Contains(content[:min(len(content), 8000)], "\x00")
}

// Lines is a place in a file: from line First on, Count lines. Counting starts at 1.
type Lines struct{ First, Count int }

// mergeLines carries out on base what ours and theirs changed in it. Where both
// changed the same or neighbouring lines differently, the result holds ours, and the
// place in base is listed: the rule of diff3 and of git merge-file.
func mergeLines(base, ours, theirs string) (merged string, clashes []Lines) {
	a, b := udiff.Lines(base, ours), udiff.Lines(base, theirs)
	var out strings.Builder
	done := 0
	for len(a) > 0 || len(b) > 0 {
		s := touching(a, b)
		out.WriteString(base[done:s.start])
		mine, its := replay(base, s, a[:s.fromA]), replay(base, s, b[:s.fromB])
		switch {
		case s.fromA == 0:
			out.WriteString(its)
		case s.fromB == 0 || mine == its:
			out.WriteString(mine)
		default:
			out.WriteString(mine)
			clashes = append(clashes, Lines{
				First: 1 + strings.Count(base[:s.start], "\n"),
				Count: strings.Count(base[s.start:s.end], "\n"),
			})
		}
		done, a, b = s.end, a[s.fromA:], b[s.fromB:]
	}
	out.WriteString(base[done:])
	return out.String(), clashes
}

// stretch is a part of base, and how many of the next edits of a and b lie in it.
type stretch struct{ start, end, fromA, fromB int }

// touching returns the first stretch that edits of a, b or both change, made longer
// as long as the next edit of either begins where it ends.
func touching(a, b []udiff.Edit) stretch {
	var s stretch
	if len(b) == 0 || len(a) > 0 && a[0].Start <= b[0].Start {
		s.start, s.end = a[0].Start, a[0].End
	} else {
		s.start, s.end = b[0].Start, b[0].End
	}
	for grown := true; grown; {
		grown = false
		if s.fromA < len(a) && a[s.fromA].Start <= s.end {
			s.end, s.fromA, grown = max(s.end, a[s.fromA].End), s.fromA+1, true
		}
		if s.fromB < len(b) && b[s.fromB].Start <= s.end {
			s.end, s.fromB, grown = max(s.end, b[s.fromB].End), s.fromB+1, true
		}
	}
	return s
}

// replay is the stretch of base with the edits made.
func replay(base string, s stretch, edits []udiff.Edit) string {
	var out strings.Builder
	at := s.start
	for _, e := range edits {
		out.WriteString(base[at:e.Start])
		out.WriteString(e.New)
		at = e.End
	}
	out.WriteString(base[at:s.end])
	return out.String()
}
