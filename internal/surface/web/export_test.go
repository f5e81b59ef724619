package web

import "context"

// WhileAllowed is whileAllowed, for a test with a clock of its own.
func WhileAllowed(ctx context.Context, allowed, do func(context.Context) error) error {
	return whileAllowed(ctx, allowed, do)
}

// MostStreams is mostStreams.
const MostStreams = mostStreams
