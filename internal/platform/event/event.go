package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	// MaxData is the most bytes of an event's data.
	MaxData = 16 << 10
	// maxStream and maxKind are the most bytes of either.
	maxStream = 100
	maxKind   = 100
)

// Stream names a stream. It may be any id: 1 to 100 printable ASCII characters
// without spaces, such as prj_01kav5zsk3q8t2m4x7n9p6r0wd. A stream begins with its
// first event.
type Stream string

// Event is something that happened.
type Event struct {
	Stream Stream
	Seq    int64 // 1, 2, 3 … in its stream
	Kind   string
	At     time.Time
	Data   json.RawMessage // an object, shared between readers: not to be changed
}

// Draft is an event before it has a sequence. Kind is a noun and what happened to
// it, project.renamed, of 1 to 100 printable ASCII characters. Data becomes JSON of
// at most MaxData bytes; nil is {}.
type Draft struct {
	Kind string
	Data any
}

var errNoEvents = errors.New("append events: there are none")

func (s Stream) check() error {
	if !printable(string(s), maxStream) {
		return fmt.Errorf("%q cannot name a stream", string(s))
	}
	return nil
}

// encode checks a draft and returns its data as JSON.
func (d Draft) encode() (string, error) {
	if !printable(d.Kind, maxKind) {
		return "", fmt.Errorf("%q cannot be the kind of an event", d.Kind)
	}
	if d.Data == nil {
		return "{}", nil
	}
	data, err := json.Marshal(d.Data)
	if err != nil {
		return "", fmt.Errorf("data of %s: %w", d.Kind, err)
	}
	if len(data) > MaxData {
		return "", fmt.Errorf("data of %s: %d bytes are more than an event carries (%d): keep it elsewhere and name it", d.Kind, len(data), MaxData)
	}
	return string(data), nil
}

func printable(s string, most int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= most
}
