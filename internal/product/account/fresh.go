package account

import (
	"context"
	"time"

	"cofounder/internal/base/fault"
)

// freshSession is how long after it was opened a session may change who can get in, or
// what can be spent.
// Visits do not prolong it, so that a stolen session cannot make itself permanent.
const freshSession = 15 * time.Minute

func errSignInAgain() error {
	return fault.New(fault.Forbidden, "sign_in_again", "Sign in again first: this changes who can get in, or what can be spent.")
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

// NeedFresh returns nil where the actor may change where a team's money goes, or how
// much of it: in a session that was opened a moment ago, or in any of somebody's who
// has no way yet to sign in again. fault.Forbidden with code session_needed for an
// access key, with sign_in_again otherwise.
func (a *Accounts) NeedFresh(ctx context.Context, actor Actor) error {
	return a.needFreshOrFirst(ctx, actor)
}
