package account

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/db"

	"github.com/jackc/pgx/v5"
)

// limit allows so many tries of one thing in a window that begins with the first.
type limit struct {
	key    []byte
	most   int
	window time.Duration
	// pardon: being right once forgets the tries before it.
	pardon bool
}

// signInLimits bound guessing from one network: at one account, and at all of them.
// They hold for e-mail addresses nobody has just the same.
func signInLimits(email, address string) []limit {
	network := networkOf(address)
	return []limit{
		{keyOf("sign-in", email, network), 5, 15 * time.Minute, true},
		{keyOf("sign-in from", network), 50, 15 * time.Minute, false},
	}
}

// strangeLimit bounds guessing at one account from all networks but those where its
// user has been of late.
func strangeLimit(email string) limit {
	return limit{keyOf("sign-in to", email), 30, 15 * time.Minute, false}
}

// signUpLimits bound how many accounts, and how many known addresses, one network
// can make or find.
func signUpLimits(address string) []limit {
	return []limit{{keyOf("sign-up from", networkOf(address)), 10, time.Hour, false}}
}

// changeLimits bound how many known addresses one user can find by claiming them,
// together with signing up from the network they came from.
func changeLimits(u UserID, address string) []limit {
	return append(signUpLimits(address), limit{keyOf("address of", string(u)), 10, time.Hour, false})
}

// passkeyLimits bound tries of passkeys from one network.
func passkeyLimits(address string) []limit {
	return []limit{{keyOf("passkey from", networkOf(address)), 50, 15 * time.Minute, false}}
}

// begunLimits bound what beginning to sign in with a passkey stores, for everybody
// together: nobody has said who they are.
func begunLimits() []limit {
	return []limit{{keyOf("passkey sign-in begun"), 600, time.Minute, false}}
}

// currentPasswordLimits bound guessing the password from inside a session.
func currentPasswordLimits(u UserID) []limit {
	return []limit{{keyOf("current password", string(u)), 5, 15 * time.Minute, true}}
}

// networkOf returns what one visitor controls of an address: an IPv4 address, or
// the first 64 bits of an IPv6 one.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		return netip.PrefixFrom(ip, 64).Masked().String()
	}
	return ip.String()
}

// tries is how often a key was tried, and until when that counts.
type tries struct {
	Key      []byte
	Tries    int
	ResetsAt time.Time
}

// countTry counts one more try of a key, beginning a new window when the last is
// over. A refused try is rolled back and counts for nothing, so that waiting is never
// made longer by trying.
const countTry = `
INSERT INTO throttle AS t (key, tries, resets_at)
SELECT key, 1, $2::timestamptz + window_length
FROM unnest($1::bytea[], $3::interval[]) AS tried (key, window_length)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET
    tries = CASE WHEN t.resets_at <= $2 THEN 1 ELSE t.tries + 1 END,
    resets_at = CASE WHEN t.resets_at <= $2 THEN EXCLUDED.resets_at ELSE t.resets_at END
RETURNING key, tries, resets_at`

// try counts a try against every limit before it is made, so that many at once
// cannot slip through, or returns fault.TooMany with the time to wait and counts
// nothing. A try that turns out right is taken back with forgive.
func (a *Accounts) try(ctx context.Context, now time.Time, limits []limit) error {
	keys, windows := columns(limits)
	return db.InTx(ctx, a.db, func(tx pgx.Tx) error {
		counted, err := all[tries](ctx, tx, countTry, keys, now, windows)
		if err != nil {
			return fmt.Errorf("count a try: %w", err)
		}
		var wait time.Duration
		for _, c := range counted {
			i := slices.IndexFunc(limits, func(l limit) bool { return bytes.Equal(l.key, c.Key) })
			if c.Tries > limits[i].most {
				wait = max(wait, c.ResetsAt.Sub(now))
			}
		}
		if wait > 0 {
			return fault.New(fault.TooMany, "too_many_tries", "Too many tries. Please wait "+words(wait)+" and try again.").WithRetry(wait)
		}
		return nil
	})
}

const (
	forgetTries = `DELETE FROM throttle WHERE key = $1`
	takeBackTry = `UPDATE throttle SET tries = GREATEST(tries - 1, 0) WHERE key = $1`
)

// forgiveTx takes back a try that was right, and with pardon those before it:
// whoever is right about one account is not thereby innocent of trying a hundred.
func forgiveTx(ctx context.Context, tx pgx.Tx, limits []limit) error {
	var writes []write
	sorted := slices.Clone(limits)
	slices.SortFunc(sorted, func(x, y limit) int { return bytes.Compare(x.key, y.key) })
	for _, l := range sorted {
		if l.pardon {
			writes = append(writes, write{forgetTries, []any{l.key}})
		} else {
			writes = append(writes, write{takeBackTry, []any{l.key}})
		}
	}
	if err := writeTx(ctx, tx, writes...); err != nil {
		return fmt.Errorf("forgive tries: %w", err)
	}
	return nil
}

func columns(limits []limit) (keys [][]byte, windows []time.Duration) {
	for _, l := range limits {
		keys = append(keys, l.key)
		windows = append(windows, l.window)
	}
	return keys, windows
}

// words says a waiting time as people do, rounded up.
func words(d time.Duration) string {
	switch minutes := int((d + time.Minute - 1) / time.Minute); {
	case minutes <= 1:
		return "a minute"
	case minutes < 120:
		return fmt.Sprintf("%d minutes", minutes)
	default:
		return fmt.Sprintf("%d hours", (minutes+59)/60)
	}
}
