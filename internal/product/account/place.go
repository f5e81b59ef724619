package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// placeMemory is how long it is remembered that a user signed in from somewhere.
const placeMemory = 90 * 24 * time.Hour

func placeOf(address string) []byte { return keyOf("place", networkOf(address)) }

const knowsPlace = `
SELECT EXISTS (SELECT FROM sign_in_place p JOIN app_user u ON u.id = p.user_id
               WHERE u.email = $1 AND p.network = $2 AND p.expires_at > $3)`

// knowsPlace reports whether the user of an e-mail address signed in from this
// network of late; never for one that nobody has.
func (a *Accounts) knowsPlace(ctx context.Context, now time.Time, email, address string) (bool, error) {
	var known bool
	if err := a.db.QueryRow(ctx, knowsPlace, email, placeOf(address), now).Scan(&known); err != nil {
		return false, fmt.Errorf("look for the place of a sign-in: %w", err)
	}
	return known, nil
}

const rememberPlace = `
INSERT INTO sign_in_place (user_id, network, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (user_id, network) DO UPDATE SET expires_at = EXCLUDED.expires_at`

func rememberPlaceTx(ctx context.Context, tx pgx.Tx, now time.Time, u UserID, address string) error {
	if _, err := tx.Exec(ctx, rememberPlace, u, placeOf(address), now.Add(placeMemory)); err != nil {
		return fmt.Errorf("remember the place of a sign-in: %w", err)
	}
	return nil
}
