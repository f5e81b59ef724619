package edit

import (
	"fmt"
	"strings"
)

// Why is the reason an edit was refused.
type Why uint8

// The reasons.
const (
	NotFound  Why = iota // see Error.Hint
	Ambiguous            // at Error.Lines
	Empty                // an empty passage
	Same                 // the passage would become itself
	TooLong              // over MaxBytes
	ShortAll             // all of something shorter than MinAll
	Binary               // not a text
	Elided               // a placeholder stands for text: Error.Text
	Count                // no edit, or more than MaxEdits
)

// Error is a refused edit: what happened, what is true now and what to do, for the
// model that made it.
type Error struct {
	Why     Why
	Edit    int    // which one, from 0; of Count, how many
	Times   int    // of Ambiguous: how often the passage was found
	Lines   []int  // at which lines
	Hint    string // of NotFound: what stands there instead
	Text    string // of Elided
	Removed bool   // it would have been found before the edits of this call
}

// Error implements error.
func (e *Error) Error() string {
	if e.Why == Count {
		return fmt.Sprintf("%d edits in one call; 1 to %d are possible. Nothing was changed.", e.Edit, MaxEdits)
	}
	return fmt.Sprintf("edit %d: %s Nothing was changed.", e.Edit+1, e.what())
}

func (e *Error) what() string {
	switch e.Why {
	case Ambiguous:
		return fmt.Sprintf("old_string is there %d times, at lines %s. Add lines above or below it, or give near_line, or set replace_all.",
			e.Times, list(e.Lines))
	case Empty:
		return "old_string is empty. Use write for a new file."
	case Same:
		return "old_string and new_string are the same."
	case TooLong:
		return fmt.Sprintf("it is over %d KB. Use smaller edits, or write.", MaxBytes>>10)
	case ShortAll:
		return fmt.Sprintf("replace_all needs an old_string of %d characters or more.", MinAll)
	case Binary:
		return "this is not a text."
	case Elided:
		return fmt.Sprintf("new_string holds a placeholder: %q. Write what is meant, in full.", e.Text)
	case NotFound:
		if e.Removed {
			return "old_string was there before this call; an earlier edit of it changed the passage. Put both into one edit."
		}
		return "old_string is not in the file. " + e.Hint
	case Count:
	}
	return ""
}

func list(lines []int) string {
	const most = 10
	var b strings.Builder
	for i, n := range lines {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(lines)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	return b.String()
}
