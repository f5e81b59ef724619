package sandbox

import (
	"errors"
	"fmt"
)

// Cause says what stopped a program or a cage.
type Cause uint8

// The causes. The zero value is none of them: an error of ours.
const (
	OutOfMemory Cause = iota + 1 // Limits.Memory
	OutOfTime                    // a deadline of the caller, or Limits.Life
	OutOfDisk                    // Limits.Disk, or Limits.Temp
	Killed                       // the caller's context was cancelled
	Died                         // the cage is gone, by Destroy or by itself
	Refused                      // this machine or its operator does not allow it, or the call makes no sense
)

// String returns the cause in words that can stand in a sentence.
func (c Cause) String() string {
	switch c {
	case OutOfMemory:
		return "out of memory"
	case OutOfTime:
		return "out of time"
	case OutOfDisk:
		return "out of disk space"
	case Killed:
		return "killed"
	case Died:
		return "the cage died"
	case Refused:
		return "refused"
	}
	return "failed"
}

// Error says what stopped a program or a cage.
type Error struct {
	Cause Cause
	// Detail is in plain words: what happened and, if anything can be done, what. It
	// names no path of the host and nothing the inside wrote.
	Detail string
	err    error
}

// Errorf returns an *Error with a formatted detail.
func Errorf(cause Cause, format string, args ...any) *Error {
	return &Error{Cause: cause, Detail: fmt.Sprintf(format, args...)}
}

// Because keeps what led to e, for logs, and returns e.
func (e *Error) Because(err error) *Error {
	e.err = err
	return e
}

// Error is for logs; people are shown Detail.
func (e *Error) Error() string {
	s := e.Cause.String() + ": " + e.Detail
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

// Unwrap returns what led to e.
func (e *Error) Unwrap() error { return e.err }

// CauseOf returns the cause in err's chain, or zero.
func CauseOf(err error) Cause {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Cause
	}
	return 0
}
