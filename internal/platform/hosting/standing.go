package hosting

import "time"

// State is where an app is in its life.
type State string

// The states. Only Running answers; Stopped starts with the next request, Crashed
// with the next one after RetryAt, Refused when what stands in the way is gone.
const (
	Stopped  State = "stopped"
	Starting State = "starting"
	Running  State = "running"
	Crashed  State = "crashed"
	Refused  State = "refused"
)

// Standing is how an app stands.
type Standing struct {
	State State
	// Since is when it came into this state.
	Since time.Time
	// Reason says in words for founders why it is Crashed or Refused.
	Reason string
	// RetryAt is when a Crashed app is started again at the earliest.
	RetryAt time.Time
	// Left is how long a Starting app is likely to take still.
	Left time.Duration
}
