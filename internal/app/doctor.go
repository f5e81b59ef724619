package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db"
	"cofounder/internal/surface/web"
	"cofounder/migrations"

	"github.com/jackc/pgx/v5/pgxpool"
)

// verdict is how a check ended.
type verdict string

// The verdicts. Only broken makes doctor fail.
const (
	fine    verdict = "ok"
	warning verdict = "note"
	broken  verdict = "PROBLEM"
)

// finding is what one check found out, and what to do about it.
type finding struct {
	what    string
	verdict verdict
	says    string
	do      string // empty when nothing needs doing
}

// errUnwell is Doctor's error; what is wrong was printed.
var errUnwell = errors.New("something needs attention: see PROBLEM above")

// checkup bounds one check.
const checkup = 10 * time.Second

// Doctor checks settings, data folder, database, clock, addresses and what this
// computer can do, and says what to do about each thing that is not well. It
// changes nothing and starts nothing.
func Doctor(ctx context.Context, cfg config.Config, s Streams) error {
	if _, err := fmt.Fprintf(s.Out, "cofounder %s\n\nSettings\n", Version()); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	if err := cfg.Describe(s.Out); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(s.Out, "\nChecks"); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	d := doctor{cfg: cfg, out: s.Out, tried: newCageState()}
	d.report(ctx, d.settings, d.secret, d.disk, d.database, d.signIn, d.previews, d.peers, d.listening, d.cages, d.packages, d.machine, d.prices, d.models, d.stripe)
	if d.err != nil {
		return fmt.Errorf("write findings: %w", d.err)
	}
	if d.unwell {
		return errUnwell
	}
	return nil
}

type doctor struct {
	cfg    config.Config
	out    io.Writer
	tried  *cageState
	unwell bool
	err    error // of writing
}

// report runs checks and prints what each found.
func (d *doctor) report(ctx context.Context, checks ...func(context.Context) []finding) {
	for _, check := range checks {
		limited, cancel := context.WithTimeout(ctx, checkup)
		for _, f := range check(limited) {
			d.print(f)
		}
		cancel()
	}
}

func (d *doctor) print(f finding) {
	d.unwell = d.unwell || f.verdict == broken
	_, err := fmt.Fprintf(d.out, "  %-8s %-20s %s\n", f.verdict, f.what, f.says)
	if err == nil && f.do != "" {
		_, err = fmt.Fprintf(d.out, "  %-8s %-20s → %s\n", "", "", f.do)
	}
	d.err = errors.Join(d.err, err)
}

// settings are allowed, or there would be no doctor; some still disappoint.
func (d *doctor) settings(context.Context) []finding {
	var all []finding
	for _, w := range d.cfg.Warnings() {
		all = append(all, finding{what: "settings", verdict: warning, says: w})
	}
	return all
}

func (d *doctor) secret(context.Context) []finding {
	f := finding{what: "secret", verdict: fine}
	switch {
	case d.cfg.Data.Secret.IsSet():
		f.says = "COFOUNDER_SECRET encrypts keys at rest"
	default:
		f.says = "kept in the data folder; it is part of what a backup must hold"
	}
	return []finding{f}
}

func (d *doctor) disk(context.Context) []finding {
	free, err := freeSpace(d.cfg.Data.Dir)
	f := finding{what: "disk", verdict: fine}
	switch {
	case err != nil:
		f.verdict, f.says = warning, "free space in "+d.cfg.Data.Dir+" is not known: "+err.Error()
	case free < space:
		f.verdict, f.says = broken, gigabytes(free)+" free in "+d.cfg.Data.Dir
		f.do = "make room, or move the data folder with COFOUNDER_DATA: a full disk stops the database"
	default:
		f.says = gigabytes(free) + " free in " + d.cfg.Data.Dir
	}
	return []finding{f}
}

// database looks at the database without starting it.
func (d *doctor) database(ctx context.Context) []finding {
	address, f := d.databaseAddress()
	if address == "" {
		return []finding{f}
	}
	pool, err := db.Open(ctx, address, db.Options{Name: "cofounder doctor", MaxConns: 1})
	if err != nil {
		return []finding{{what: "database", verdict: broken, says: err.Error()}}
	}
	defer pool.Close()
	return []finding{f, d.schema(ctx, pool), d.clock(ctx, pool)}
}

func (d *doctor) schema(ctx context.Context, pool *pgxpool.Pool) finding {
	f := finding{what: "schema", verdict: fine}
	schema, err := db.SchemaOf(ctx, pool, migrations.FS)
	switch {
	case err != nil:
		f.verdict, f.says = broken, err.Error()
	case schema.Pending():
		f.verdict, f.says = warning, fmt.Sprintf("at %d, this program brings %d", schema.Applied, schema.Known)
		f.do = "nothing: serve migrates when it starts; or run cofounder migrate before"
	case schema.Newer():
		f.verdict, f.says = warning, fmt.Sprintf("at %d, newer than this program (%d); it works with it", schema.Applied, schema.Known)
	default:
		f.says = fmt.Sprintf("at %d, up to date", schema.Applied)
	}
	return f
}

// clockDrift is how far the clocks of program and database may be apart before
// limits per day and expiries look odd.
const clockDrift = 2 * time.Second

func (d *doctor) clock(ctx context.Context, pool *pgxpool.Pool) finding {
	const query = `SELECT clock_timestamp()`
	var theirs time.Time
	before := time.Now()
	if err := pool.QueryRow(ctx, query).Scan(&theirs); err != nil {
		return finding{what: "clock", verdict: broken, says: err.Error()}
	}
	after := time.Now()
	apart := max(before.Sub(theirs), theirs.Sub(after))
	if apart > clockDrift {
		return finding{
			what: "clock", verdict: warning, says: fmt.Sprintf("this computer and the database are %s apart", apart.Round(time.Millisecond)),
			do: "let both take the time from the network (systemd-timesyncd, chrony)",
		}
	}
	return finding{what: "clock", verdict: fine, says: "agrees with the database"}
}

// signIn says whether browsers can keep a sign-in at the public address.
func (d *doctor) signIn(context.Context) []finding {
	u := d.cfg.HTTP.PublicURL
	if web.KeepsCookies(u) {
		return []finding{{what: "public address", verdict: fine, says: u.String() + ": sign-in works there"}}
	}
	return []finding{{
		what: "public address", verdict: broken, says: u.String() + ": browsers keep no sign-in over plain http from another computer",
		do: "put a proxy with a certificate in front and set COFOUNDER_URL=https://…, or use http://localhost on this computer",
	}}
}

// previews says whether the names of apps lead anywhere. Those below localhost do in
// every browser, though not in every program.
func (d *doctor) previews(ctx context.Context) []finding {
	f := finding{what: "app addresses", verdict: fine}
	u := d.cfg.HTTP.PreviewURL()
	switch {
	case u == nil:
		f.verdict, f.says = warning, "built apps cannot be shown at "+d.cfg.HTTP.PublicURL.String()
		f.do = "point *.NAME of another domain here and set COFOUNDER_PREVIEW_HOST=NAME"
		return []finding{f}
	case d.cfg.HTTP.PreviewHost == "":
		f.says = "apps are shown below " + u.Host + " to browsers on this computer"
		return []finding{f}
	}
	// Any label will do: a wildcard answers for all.
	name := "doctor." + u.Hostname()
	if _, err := net.DefaultResolver.LookupHost(ctx, name); err != nil {
		f.verdict, f.says = broken, name+" has no address: "+err.Error()
		f.do = "add a DNS entry for *." + u.Hostname() + " that leads here, with a certificate for it"
		return []finding{f}
	}
	f.says = "apps are shown below " + u.Host
	return []finding{f}
}

// peers says who can reach the apps that run here.
func (d *doctor) peers(context.Context) []finding {
	f := finding{what: "other processes", verdict: fine, says: "reach the apps that run here at " + d.cfg.Process.PeerAddr}
	switch {
	case d.cfg.Process.PeerAddr != "":
	case d.cfg.Data.DatabaseURL.IsSet():
		f.says = "of this computer reach the apps that run here; those of others do not"
		f.do = "set COFOUNDER_PEER_ADDR on each computer if several run cofounder over this database"
	default:
		return nil
	}
	return []finding{f}
}

// listening tries the address serve would take.
func (d *doctor) listening(ctx context.Context) []finding {
	f := finding{what: "listening address", verdict: fine}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", d.cfg.HTTP.Addr)
	if err != nil {
		f.verdict, f.says = warning, err.Error()
		f.do = "fine if cofounder is running there; otherwise stop what is, or set COFOUNDER_ADDR"
		return []finding{f}
	}
	if err := l.Close(); err != nil {
		f.verdict, f.says = warning, err.Error()
		return []finding{f}
	}
	f.says = d.cfg.HTTP.Addr + " is free"
	return []finding{f}
}

func (d *doctor) machine(context.Context) []finding {
	m := machine{cfg: d.cfg, cages: d.tried}
	var all []finding
	for _, fact := range m.facts() {
		f := finding{what: fact.What, verdict: fine, says: fact.Detail, do: fact.Do}
		if !fact.Can {
			f.verdict = warning
		}
		all = append(all, f)
	}
	return all
}

func (d *doctor) stripe(context.Context) []finding {
	if !d.cfg.Stripe.Enabled() {
		return []finding{{what: "stripe", verdict: fine, says: "not set: nothing is sold here, everything works with the founder's own key"}}
	}
	return []finding{{
		what: "stripe", verdict: warning, says: "keys and six prices are set and well-formed; this release does not ask Stripe about them",
		do: "wait for the release that bills",
	}}
}
