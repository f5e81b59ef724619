package db

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// Unavailable reports whether err says that the database does not answer now: it
// cannot be reached, is starting, stopping or full, ended the connection, or our
// pool was closed. It is worth asking again later. A statement that was cut off
// may have been carried out.
func Unavailable(err error) bool {
	if refused := new(pgconn.PgError); errors.As(err, &refused) {
		return unavailable(refused.Code)
	}
	unreachable := new(pgconn.ConnectError)
	return errors.As(err, &unreachable) || errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, puddle.ErrClosedPool)
}

// unavailable tells the states that are about the server and pass
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func unavailable(state string) bool {
	switch state {
	case "53300", // too many connections
		"57P01", "57P02", "57P03": // shut down by an operator, after a crash, starting
		return true
	}
	return strings.HasPrefix(state, "08") // connection exceptions
}
