package hosting

import (
	"errors"
	"fmt"
	"time"

	"cofounder/internal/platform/sandbox"
)

// tooMany is why an app is refused on a machine that runs as many as it may.
const tooMany = "As many apps run here as this computer can take, and all of them are in use. Try again in a minute."

// verdict says how an app stands after its instance ended for why, how many crashes in
// a row that makes, and how long the next start has to wait.
func (i *instance) verdict(why error) (st Standing, crashes int, wait time.Duration) {
	now := i.host.cfg.Clock.Now()
	switch {
	case errors.Is(why, errStopped), errors.Is(why, errIdle), errors.Is(why, errOutdated), errors.Is(why, errAged), errors.Is(why, errFenced):
		return Standing{State: Stopped, Since: now}, 0, 0
	case sandbox.CauseOf(why) == sandbox.Refused:
		e, _ := errors.AsType[*sandbox.Error](why) // CauseOf found it
		return Standing{State: Refused, Since: now, Reason: "This computer cannot run apps safely now: " + e.Detail}, 0, 0
	}
	crashes = i.crashes + 1
	if e, ok := errors.AsType[*exitError](why); ok && e.after >= proven {
		crashes = 1
	}
	if sandbox.CauseOf(why) == sandbox.Died && crashes == 1 {
		// Not the app's doing, as far as anybody can tell: it may start again at once.
		return Standing{State: Stopped, Since: now}, crashes, 0
	}
	wait = min(leastPause<<min(crashes-1, 10), mostPause)
	return Standing{State: Crashed, Since: now, Reason: crashReason(why, i.host.cfg.Limits), RetryAt: now.Add(wait)}, crashes, wait
}

// crashReason says in a founder's words why an app ended. Nothing the app wrote is in
// it.
func crashReason(why error, limits sandbox.Limits) string {
	e, exited := errors.AsType[*exitError](why)
	when := "while it started"
	if exited && e.ran {
		when = "while it ran"
	}
	switch sandbox.CauseOf(why) {
	case sandbox.OutOfMemory:
		return fmt.Sprintf("The app needed more memory than it may have (%d MB) and was ended %s.", limits.Memory>>20, when)
	case sandbox.OutOfDisk:
		return fmt.Sprintf("The app filled the space it may have (%d MB) and was ended %s.", limits.Disk>>20, when)
	case sandbox.OutOfTime:
		return "The app ran for as long as one may and was ended."
	case sandbox.Killed, sandbox.Died:
		return "The app was ended from outside " + when + "."
	case sandbox.Refused: // never a crash
	}
	switch {
	case errors.Is(why, errSilent):
		return fmt.Sprintf("The app started, but did not answer within %d seconds.", int(startTime.Seconds()))
	case exited:
		return fmt.Sprintf("The app ended by itself %s (status %d).", when, e.code)
	}
	return "The app could not be started. That is a fault on my side, not in the app."
}
