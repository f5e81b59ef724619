package edit

import (
	"fmt"
	"regexp"
	"strings"
)

const shownLines = 20

// notFound says what stands where the passage was probably looked for. It is never
// applied.
func (s *source) notFound(e Edit) *Error {
	old := newBlock(e.Old).lines
	if i, n := s.whiteSpaceApart(old); n > 0 {
		return &Error{Why: NotFound, Hint: fmt.Sprintf(
			"The text is there, but its white space differs, at lines %d–%d (→ is a tab, · a space). Repeat the edit with this exact text:\n%s",
			i+1, i+n, visible(s.lines[i:i+n]))}
	}
	if i, n, same := s.closest(old); same > 0 {
		return &Error{Why: NotFound, Hint: fmt.Sprintf("The closest are lines %d–%d; %d of %d lines are equal:\n%s",
			i+1, i+n, same, len(old), strings.Join(s.lines[i:i+min(n, shownLines)], "\n"))}
	}
	return &Error{Why: NotFound, Hint: "No line of it is. Read the file before the next edit."}
}

func squeezed(line string) string { return strings.Join(strings.Fields(line), "") }

// whiteSpaceApart finds the one run of lines that is the passage but for white space.
func (s *source) whiteSpaceApart(old []string) (at, n int) {
	want := strings.Join(mapped(old, squeezed), "")
	if want == "" {
		return 0, 0
	}
	have := mapped(s.lines, squeezed)
	for i := range have {
		if have[i] == "" || !strings.HasPrefix(want, have[i]) {
			continue
		}
		rest := want
		for j := i; j < len(have) && rest != ""; j++ {
			after, ok := strings.CutPrefix(rest, have[j])
			if !ok {
				break
			}
			if rest = after; rest != "" {
				continue
			}
			if n > 0 {
				return 0, 0
			}
			at, n = i, j-i+1
		}
	}
	return at, n
}

// closest is the run of lines that has most lines with the passage in common.
func (s *source) closest(old []string) (at, n, same int) {
	want := map[string]int{}
	for _, line := range mapped(old, strings.TrimSpace) {
		if len(line) > 1 { // a lone bracket is everywhere
			want[line]++
		}
	}
	have := mapped(s.lines, strings.TrimSpace)
	n = min(len(old), len(have))
	seen, now := map[string]int{}, 0
	for i, line := range have {
		if seen[line]++; seen[line] <= want[line] {
			now++
		}
		if out := i - n; out >= 0 {
			if seen[have[out]] <= want[have[out]] {
				now--
			}
			seen[have[out]]--
		}
		if now > same {
			at, same = max(0, i-n+1), now
		}
	}
	return at, n, same
}

// visible shows indentation and trailing space.
func visible(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		if i == shownLines {
			fmt.Fprintf(&b, "(and %d more lines)", len(lines)-shownLines)
			break
		}
		text := strings.TrimSpace(line)
		head, tail, _ := strings.Cut(line, text)
		if text == "" {
			head, tail = line, ""
		}
		marks := strings.NewReplacer("\t", "→", " ", "·")
		b.WriteString(marks.Replace(head) + text + marks.Replace(tail) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Elision returns the first line of text that stands for text left out, as models
// write when they save work ("// ... rest of the file unchanged"), or nothing.
func Elision(text string) string {
	placeholder := regexp.MustCompile(`(?i)^\s*(?://|#|<!--|/\*|\{/\*|--|;|%)?\s*(?:\.\.\.|…|\[)\s*` +
		`(?:the\s+)?(?:rest|remaining|remainder|existing|unchanged|same|other|previous|original|omitted|keep|snip)\b`)
	trailer := regexp.MustCompile(`(?i)^\s*(?://|#|<!--|/\*|\{/\*|--|;|%)\s*` +
		`(?:rest of|remaining|existing|unchanged|same as|previous|original)\b.*(?:\.\.\.|…|unchanged|as before|stays? the same)`)
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); placeholder.MatchString(line) || trailer.MatchString(line) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
