package db_test

import (
	"maps"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"cofounder/internal/platform/db"
	"cofounder/internal/platform/db/dbtest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestOpenSettings(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t)
	rows, err := pool.Query(t.Context(), "SELECT name, current_setting(name) FROM unnest($1::text[]) name ORDER BY name",
		[]string{"application_name", "timezone", "idle_in_transaction_session_timeout"})
	if err != nil {
		t.Fatal(err)
	}
	type setting struct{ Name, Value string }
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[setting])
	if err != nil {
		t.Fatal(err)
	}
	want := []setting{{"application_name", "test"}, {"idle_in_transaction_session_timeout", "4s"}, {"timezone", "UTC"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestOpenLetsTheAddressDecide(t *testing.T) {
	t.Parallel()
	address, err := url.Parse(dbtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("idle_in_transaction_session_timeout", "90000")
	query.Set("pool_max_conns", "3")
	address.RawQuery = query.Encode()
	pool, err := db.Open(t.Context(), address.String(), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var got string
	if err := pool.QueryRow(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != "90s" {
		t.Errorf("idle_in_transaction_session_timeout = %q, want 90s", got)
	}
	if got := pool.Config().MaxConns; got != 3 {
		t.Errorf("at most %d connections, want 3", got)
	}
}

func TestTimesAreReadAsUTC(t *testing.T) {
	t.Parallel()
	var one time.Time
	var many []time.Time
	err := dbtest.New(t).QueryRow(t.Context(),
		"SELECT '2026-07-01 12:00+02'::timestamptz, ARRAY['2026-07-01 12:00+02'::timestamptz]").Scan(&one, &many)
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	for _, got := range append(many, one) {
		if got != want { // the zone as well
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if len(many) != 1 {
		t.Errorf("got %d times in the array, want 1", len(many))
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	greeting := map[string]string{"server_version": "16.3 (Debian 16.3-1)", "server_encoding": "UTF8", "in_hot_standby": "off"}
	with := func(name, value string) *fakeServer {
		reported := maps.Clone(greeting)
		reported[name] = value
		return &fakeServer{reports: reported}
	}
	refusing := func(code, text string) *fakeServer {
		return &fakeServer{refuses: &pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: text}}
	}
	for _, c := range []struct {
		name   string
		server *fakeServer
		want   string
	}{
		{"good", &fakeServer{reports: greeting}, ""},
		{"preview of the next version", with("server_version", "19beta1"), ""},
		{"too old", with("server_version", "13.20"), `this is PostgreSQL 13.20; version 14 or newer is needed`},
		{"another product", with("server_version", "weird"), `it reports version "weird"`},
		{"wrong encoding", with("server_encoding", "SQL_ASCII"), `its encoding is SQL_ASCII`},
		{"standby", with("in_hot_standby", "on"), "it is read-only"},
		{"wrong password", refusing("28P01", "password authentication failed"), "the password is wrong"},
		{"user not let in", refusing("28000", "no pg_hba.conf entry"), "does not let this user in (no pg_hba.conf entry)"},
		{"no such database", refusing("3D000", "database does not exist"), "no such database; create it first"},
		{"full", refusing("53300", "too many clients"), "no free connection"},
		{"starting", refusing("57P03", "the database system is starting up"), "try again in a moment"},
		{"unknown refusal", refusing("XX000", "odd"), "odd (XX000)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := c.server.listen(t)
			checkOpen(t, "postgres://someone:hunter2@"+address+"/things?sslmode=disable", c.want)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		checkOpen(t, "postgres://someone:hunter2@"+listener.Addr().String()+"/things", "cannot be reached (connection refused)")
	})
	t.Run("no socket", func(t *testing.T) {
		t.Parallel()
		checkOpen(t, "postgres://someone:hunter2@/things?host="+t.TempDir(), "cannot be reached (no such file or directory)")
	})
	t.Run("unreadable address", func(t *testing.T) {
		t.Parallel()
		checkOpen(t, "postgres://someone:hunter2@host:port/things", "the database address cannot be read")
	})
}

func checkOpen(t *testing.T, address, want string) {
	t.Helper()
	pool, err := db.Open(t.Context(), address, db.Options{})
	if err == nil {
		pool.Close()
		if want != "" {
			t.Fatalf("opened, want an error with %q", want)
		}
		return
	}
	got := err.Error()
	if want == "" || !strings.Contains(got, want) {
		t.Errorf("error = %q, want it to hold %q", got, want)
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("error = %q holds the password", got)
	}
	if strings.Contains(got, "\n") {
		t.Errorf("error = %q has several lines", got)
	}
}

// fakeServer speaks the beginning of PostgreSQL's protocol: enough to be
// whatever Open may find.
type fakeServer struct {
	reports map[string]string
	refuses *pgproto3.ErrorResponse
}

func (f *fakeServer) listen(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go f.greet(conn)
		}
	}()
	return listener.Addr().String()
}

func (f *fakeServer) greet(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the client may have gone first
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	if f.refuses != nil {
		backend.Send(f.refuses)
		backend.Flush() //nolint:errcheck // the client sees it
		return
	}
	backend.Send(&pgproto3.AuthenticationOk{})
	for name, value := range f.reports {
		backend.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := backend.Flush(); err != nil {
		return
	}
	for {
		if _, err := backend.Receive(); err != nil {
			return
		}
	}
}
