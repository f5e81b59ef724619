package httpd

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/event"
)

// Cursor is where a reader of a stream goes on: after the Last-Event-ID it sends when
// it comes back, else after the cursor it was given with what it saw first, else at
// the beginning. fault.Malformed for anything but a number of ours.
func Cursor(lastEventID, after string) (int64, error) {
	given := cmp.Or(lastEventID, after, "0")
	cursor, err := strconv.ParseInt(given, 10, 64)
	if err != nil || cursor < 0 {
		return 0, fault.New(fault.Malformed, "bad_cursor", "That is no place in this stream. Leave out Last-Event-ID and after to begin at its start.").Because(err)
	}
	return cursor, nil
}

// Follow shows what a subscription brings, a page at a time, until ctx ends or the
// subscription does. A reader who fell too far behind, or whose hub stopped, comes
// back at its last id.
func Follow(ctx context.Context, s *event.Subscription, show func(event.Page) error) error {
	for {
		page, err := s.Next(ctx)
		if errors.Is(err, event.ErrBehind) || errors.Is(err, event.ErrStopped) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := show(page); err != nil {
			return err
		}
	}
}
