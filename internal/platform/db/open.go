package db

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// MinMajor is the oldest PostgreSQL we run on: the one of Ubuntu 22.04, the
// oldest system we support.
const MinMajor = 14

const (
	// IdleInTransaction is how long the server lets a session hold a
	// transaction without sending anything. It is below the time after which a
	// silent worker counts as dead, so a stopped process has lost its locks
	// before another takes over.
	IdleInTransaction = 4 * time.Second

	defaultMaxConns = 10
	connectTimeout  = 5 * time.Second
	// An idle program gives its connections back: each is a process of several
	// megabytes on the server.
	maxConnIdle = time.Minute
)

// Options are what callers of Open differ in. The zero value is right for a
// process of the product.
type Options struct {
	Name     string // shown by pg_stat_activity; default "cofounder"
	MaxConns int32  // default 10, or pool_max_conns of the address
}

// Open connects to the server at url (a postgres:// address or key=value
// words), checks that we can work with it and returns a pool. Statements are
// prepared once per connection and kept. The pool reconnects by itself; Open
// does not wait for a server that is not there.
//
// An error is one line that says what to do and never holds the password.
func Open(ctx context.Context, url string, options Options) (*pgxpool.Pool, error) {
	config, err := poolConfig(url, options)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := check(ctx, pool); err != nil {
		pool.Close()
		return nil, explain(config.ConnConfig, err)
	}
	return pool, nil
}

func poolConfig(url string, options Options) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database address cannot be read (expected postgres://user:password@host:port/name): %w", err)
	}
	if options.MaxConns > 0 {
		config.MaxConns = options.MaxConns
	} else if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = defaultMaxConns
	}
	config.MaxConnIdleTime = maxConnIdle
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		readTimesAsUTC(conn.TypeMap())
		return nil
	}
	connection := config.ConnConfig
	if connection.ConnectTimeout == 0 || connection.ConnectTimeout > connectTimeout {
		connection.ConnectTimeout = connectTimeout
	}
	parameters := connection.RuntimeParams
	parameters["timezone"] = "UTC"
	setDefault(parameters, "application_name", "cofounder")
	if options.Name != "" {
		parameters["application_name"] = options.Name
	}
	setDefault(parameters, "idle_in_transaction_session_timeout", strconv.FormatInt(IdleInTransaction.Milliseconds(), 10))
	return config, nil
}

func setDefault(parameters map[string]string, name, value string) {
	if _, ok := parameters[name]; !ok {
		parameters[name] = value
	}
}

// readTimesAsUTC makes a timestamptz a time in UTC; pgx would use the zone of
// the machine.
func readTimesAsUTC(types *pgtype.Map) {
	instant := &pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	}
	types.RegisterType(instant)
	types.RegisterType(&pgtype.Type{
		Name: "_timestamptz", OID: pgtype.TimestamptzArrayOID,
		Codec: &pgtype.ArrayCodec{ElementType: instant},
	})
}

// check makes the first connection. What it asks for, every server reports in
// its greeting.
func check(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	reported := conn.Conn().PgConn().ParameterStatus
	version, encoding := reported("server_version"), reported("server_encoding")
	major, err := strconv.Atoi(leadingDigits.FindString(version))
	switch {
	case err != nil:
		return fmt.Errorf("this is not PostgreSQL as we know it (it reports version %q)", version)
	case major < MinMajor:
		return fmt.Errorf("this is PostgreSQL %s; version %d or newer is needed", version, MinMajor)
	case encoding != "UTF8":
		return fmt.Errorf("its encoding is %s; create it with ENCODING 'UTF8' TEMPLATE template0", encoding)
	case reported("in_hot_standby") == "on" || reported("default_transaction_read_only") == "on":
		return errors.New("it is read-only (a standby?); use the address of the primary")
	}
	return nil
}

var leadingDigits = regexp.MustCompile(`^\d+`)

// explain turns the ways a first connection fails into one line a person can
// act on. The cause stays in the chain.
func explain(config *pgx.ConnConfig, err error) error {
	where := fmt.Sprintf("database %q at %s as %q",
		config.Database, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), config.User)
	if strings.HasPrefix(config.Host, "/") {
		where = fmt.Sprintf("database %q in %s as %q", config.Database, config.Host, config.User)
	}
	var refused *pgconn.PgError
	var unreachable *pgconn.ConnectError
	switch {
	case errors.As(err, &refused):
		if hint := hints[refused.Code]; hint != "" {
			return &openError{fmt.Sprintf("%s: %s (%s)", where, hint, refused.Message), err}
		}
		return &openError{fmt.Sprintf("%s: %s (%s)", where, refused.Message, refused.Code), err}
	case errors.As(err, &unreachable):
		return &openError{fmt.Sprintf("%s: cannot be reached (%s); is it running, and is the address right?", where, innermost(err)), err}
	}
	return &openError{where + ": " + innermost(err), err}
}

// hints says what to do about the states a server refuses a connection with.
var hints = map[string]string{ //nolint:gochecknoglobals // a constant table
	"28P01": "the password is wrong",
	"28000": "the server does not let this user in",
	"3D000": "no such database; create it first",
	"53300": "the server has no free connection; raise max_connections or lower pool_max_conns",
	"57P03": "the server is starting up or shutting down; try again in a moment",
	"42501": "this user lacks a right it needs",
}

type openError struct {
	text  string
	cause error
}

func (e *openError) Error() string { return e.text }
func (e *openError) Unwrap() error { return e.cause }

// innermost is the text of the last error in the chain: the system's own words,
// without the layers that repeat the address.
func innermost(err error) string {
	for {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			if all := joined.Unwrap(); len(all) > 0 {
				err = all[0]
				continue
			}
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
