package account

import (
	"context"
	"time"

	"cofounder/internal/base/fault"
)

// freshSession is how long after it was opened a session may change who can get in.
// Visits do not prolong it, so that a stolen session cannot make itself permanent.
const freshSession = 15 * time.Minute

func errSignInAgain() error {
	return fault.New(fault.Forbidden, "sign_in_again", "Sign in again first: this changes who can get in.")
}

// needFresh returns nil when the actor's session was opened a moment ago, else
// fault.Forbidden with code sign_in_again.
func (a *Accounts) needFresh(ctx context.Context, actor Actor) error {
	own, err := a.ownCredentials(ctx, actor, a.clock.Now())
	if err == nil && !own.Recent {
		return errSignInAgain()
	}
	return err
}

// needFreshOrFirst is needFresh for those who could sign in again: somebody with
// neither password nor passkey may make a first one in any session of theirs.
func (a *Accounts) needFreshOrFirst(ctx context.Context, actor Actor) error {
	own, err := a.ownCredentials(ctx, actor, a.clock.Now())
	if err == nil && !own.Recent && (own.Hash != "" || own.Passkey) {
		return errSignInAgain()
	}
	return err
}
