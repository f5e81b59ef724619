// Package app builds every component from a config.Config and starts and stops
// them in order. It is the only place that wires; cmd/cofounder and the
// end-to-end tests open the very same App.
//
// Order of starting: data folder, database, schema, products, HTTP. Stopping is
// the reverse; the private database is left running on purpose, so that a killed
// process costs no recovery and several processes may share it.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"cofounder/internal/base/clock"
	"cofounder/internal/base/id"
	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db"
	"cofounder/internal/platform/event"
	"cofounder/internal/platform/flow"
	"cofounder/internal/platform/flow/queueui"
	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/idempotency"
	"cofounder/internal/platform/repo"
	"cofounder/internal/platform/sandbox/egress"
	"cofounder/internal/platform/sandbox/ns"
	"cofounder/internal/platform/seal"
	"cofounder/internal/platform/telemetry"
	"cofounder/internal/product/account"
	"cofounder/internal/product/admin"
	"cofounder/internal/product/document"
	"cofounder/internal/product/interview"
	"cofounder/internal/product/journey"
	"cofounder/internal/product/meter"
	"cofounder/internal/product/option"
	"cofounder/internal/product/project"
	"cofounder/internal/surface/api"
	"cofounder/internal/surface/httpd"
	"cofounder/internal/surface/preview"
	"cofounder/internal/surface/web"
	"cofounder/migrations"
)

const (
	// requestDeadline is httpd's own limit on a request: a key that is pending for
	// longer has lost its process.
	requestDeadline = 30 * time.Second
	// checkTime bounds one readiness check.
	checkTime = 2 * time.Second
	// flushTime bounds sending the last measurements.
	flushTime = 3 * time.Second
)

// Options are what an App needs besides its settings.
type Options struct {
	Config config.Config
	Log    *slog.Logger
	// Progress is told in a few words what is being done when starting takes
	// long; nil tells nobody.
	Progress func(step string)
}

// App is the whole program, ready to run. Make one with Open, end it with Close.
type App struct {
	cfg       config.Config
	log       *slog.Logger
	edge      *slog.Logger // of the HTTP edge
	database  database
	telemetry *telemetry.Telemetry
	machine   *machine
	server    *httpd.Server

	Events   *event.Hub
	Accounts *account.Accounts
	Projects *project.Projects
	// How models are reached and what they cost.
	clock       *db.Clock // the database's, for what processes must agree on
	Meter       *meter.Meter
	Connections *meter.Connections
	Model       *meter.Model

	// Flow starts and delivers durable work; it works in processes with the worker
	// role, while they Run.
	Flow *flow.Engine

	// From idea to decision.
	Journeys  *journey.Journeys
	Documents *document.Documents
	// Interviews works on what it starts in processes with the worker role.
	Interviews *interview.Interviews
	Options    *option.Options

	Admin *admin.Desk

	// Built apps: their code, where they run, and how they are looked at.
	Repo     *repo.Store
	Apps     *hosting.Host
	Packages *egress.Gate  // the only way out of a cage
	cages    *ns.Driver    // nil where nothing is run
	look     looking       // at what cages can do here
	preview  *preview.Site // nil where nothing can be shown

	memory *idempotency.Store
	box    *seal.Box
}

// Open builds everything and brings the schema up to date. It does not listen
// yet. The error says what to do.
func Open(ctx context.Context, o Options) (*App, error) {
	// Not for the edge: the references of refused requests are found at info.
	edge := o.Log
	o.Log = slog.New(routine{o.Log.Handler(), routineLevel(o.Config)})
	a := &App{cfg: o.Config, log: o.Log, edge: edge, machine: &machine{cfg: o.Config, cages: newCageState()}}
	if err := a.open(ctx, o); err != nil {
		return nil, errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	return a, nil
}

func (a *App) open(ctx context.Context, o Options) error {
	var err error
	if a.database, err = openDatabase(ctx, o); err != nil {
		return err
	}
	if err := db.Migrate(ctx, a.database.pool, migrations.FS, a.log); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read this computer's name: %w", err)
	}
	a.telemetry, err = telemetry.Open(ctx, telemetry.Config{
		Version: Version(), Instance: fmt.Sprintf("%s-%d", host, os.Getpid()),
		Endpoint: a.cfg.Telemetry.OTLPEndpoint, Log: a.log,
	})
	if err != nil {
		return err
	}
	if err := a.openProducts(ctx); err != nil {
		return err
	}
	return a.openServer() //nolint:contextcheck // requests bring their own
}

// openProducts builds what the product is, from the lowest rank up.
func (a *App) openProducts(ctx context.Context) error {
	secret, err := a.cfg.Data.InstallationSecret()
	if err != nil {
		return err
	}
	box, err := seal.New(secret.Reveal())
	if err != nil {
		return fmt.Errorf("use the secret of this installation: %w", err)
	}
	a.box = box
	source := id.NewSource(clock.System{}.Now)
	a.Accounts, err = account.New(account.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: source,
		SignUpOpen: a.cfg.Accounts.SignUp == config.SignUpOpen,
		PublicURL:  a.cfg.HTTP.PublicURL.String(),
	})
	if err != nil {
		return err
	}
	a.Events = event.NewHub(a.database.pool, a.log)
	if err := a.Events.Measure(a.telemetry.Meter("platform/event")); err != nil {
		return err
	}
	a.Projects = project.New(project.Config{DB: a.database.pool, Clock: clock.System{}, IDs: source, Events: a.Events})
	a.memory = idempotency.New(idempotency.Config{
		DB: a.database.pool, Clock: clock.System{}, Log: a.log, Box: box, Deadline: requestDeadline,
	})
	if err := a.openAI(ctx, box, source); err != nil {
		return err
	}
	if err := a.openApps(ctx, box); err != nil {
		return err
	}
	a.Flow, err = flow.New(flow.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: source, Log: a.log,
		Slots: a.cfg.Process.Slots, MaxWaiting: a.cfg.Process.MaxWaiting, Admit: a.mayGoOn,
	})
	if err != nil {
		return err
	}
	a.Journeys = journey.New(journey.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: source, Projects: a.Projects, Runs: a.Flow,
	})
	a.Documents = document.New(document.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: source, Projects: a.Projects, Runs: a.Flow,
	})
	a.Admin = admin.New(admin.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: source, Flow: a.Flow, Meter: a.Meter, Connections: a.Connections, Model: a.Model,
	})
	a.Interviews = interview.New(interview.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: source, Accounts: a.Accounts, Projects: a.Projects,
		Journeys: a.Journeys, Documents: a.Documents, Runs: a.Flow, Model: a.Model,
	})
	a.Options = option.New(option.Config{
		DB: a.database.pool, Clock: clock.System{}, IDs: source, Accounts: a.Accounts, Projects: a.Projects,
		Journeys: a.Journeys, Documents: a.Documents, Runs: a.Flow, Meter: a.Meter, Model: a.Model, Stacks: a.machine.stacks,
	})
	a.addSweeps()
	a.addNightly()
	return nil
}

// openServer puts the surfaces behind the HTTP edge. A process without the web
// role answers health and metrics only.
func (a *App) openServer() error {
	mux := httpd.NewMux()
	var pages httpd.ErrorRenderer
	if a.cfg.Process.Has(config.Web) {
		link := a.AppLink
		if a.cfg.HTTP.PreviewURL() == nil {
			link = nil
		}
		jobs, err := queueui.New(a.database.pool, a.log, web.JobPages)
		if err != nil {
			return err
		}
		site, err := web.New(web.Config{
			Apps: a.Apps, AppLink: link, Jobs: jobs,
			Accounts: a.Accounts, Projects: a.Projects, Journeys: a.Journeys, Documents: a.Documents, Interviews: a.Interviews, Options: a.Options,
			Cages: a.living(),
			Meter: a.Meter, Connections: a.Connections, Model: a.Model, Admin: a.Admin, Runs: a.Flow,
			Clock: clock.System{}, Log: a.edge,
			PublicURL: a.cfg.HTTP.PublicURL, SignUpOpen: a.cfg.Accounts.SignUp == config.SignUpOpen,
			Version: Version(), Program: program(), Machine: a.machine.facts,
		})
		if err != nil {
			return err
		}
		if err := a.openPreview(a.box, site.AdmitToApp); err != nil {
			return err
		}
		mux.Handle("/", site)
		mux.Handle(api.Prefix+"/", api.New(api.Config{
			Accounts: a.Accounts, Projects: a.Projects, Journeys: a.Journeys, Documents: a.Documents, Interviews: a.Interviews, Options: a.Options,
			Meter: a.Meter, Connections: a.Connections, Model: a.Model, Admin: a.Admin,
			Idempotency: a.memory, Version: Version(),
		}))
		pages = site.Problem
	}
	var err error
	sites, frameSources := a.sites()
	a.server, err = httpd.New(httpd.Config{
		Sites: sites, FrameSources: frameSources,
		Addr: a.cfg.HTTP.Addr, PublicURL: a.cfg.HTTP.PublicURL, TrustedProxies: a.cfg.HTTP.TrustedProxies,
		LameDuck: a.cfg.Process.LameDuck, Drain: a.cfg.Process.Drain,
		TrustedTypes: web.TrustedTypes(), Pages: pages,
		Checks:  []httpd.Check{{Name: "database", Timeout: checkTime, Probe: a.ready}},
		Metrics: a.telemetry.MetricsPage(), MetricsToken: a.cfg.Telemetry.MetricsToken.Reveal(),
		RoutineLevel: routineLevel(a.cfg),
		IDs:          id.NewSource(clock.System{}.Now), Log: a.edge,
		Meter: a.telemetry.Meter("surface/httpd"), Tracer: a.telemetry.Tracer("surface/httpd"),
	}, mux)
	return err
}

// ready fails while the database does not answer or waits for a migration.
func (a *App) ready(ctx context.Context) error {
	schema, err := db.SchemaOf(ctx, a.database.pool, migrations.FS)
	if err != nil {
		return err
	}
	if schema.Pending() {
		return fmt.Errorf("the schema is at %d, this program needs %d: run cofounder migrate", schema.Applied, schema.Known)
	}
	return nil
}

// Listen takes the address without serving yet and returns it as host:port, with
// the real port when 0 was asked for. Run calls it when nobody has.
func (a *App) Listen(ctx context.Context) (string, error) { return a.server.Listen(ctx) }

// Handler is everything the App serves, for tests with a listener of their own.
func (a *App) Handler() http.Handler { return a.server.Handler() }

// Run serves and does the background work until ctx ends and everything in
// flight is answered. Closing abort ends it at once.
func (a *App) Run(ctx context.Context, abort <-chan struct{}) error {
	// The private database is watched until the last request is answered.
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	if a.database.server != nil {
		background.Go(func() { a.database.server.Watch(watching) })
	}
	// Every process settles its own calls, also those that end while it stops.
	background.Go(func() { a.Meter.Run(watching) })
	background.Go(func() { a.clock.Run(watching, a.log) })
	background.Go(func() { a.Apps.Run(watching) })
	// It outlives the streams: they end with a word to come back.
	background.Go(func() { a.Events.Run(watching) })
	ctx, end := context.WithCancel(ctx) // also when serving ends by itself
	defer end()
	var work sync.WaitGroup
	a.beginLooking(ctx)
	if a.cfg.Process.Has(config.Worker) {
		if err := a.Flow.Start(ctx); err != nil {
			end()
			work.Wait()
			unwatch()
			background.Wait()
			return err
		}
		work.Go(func() { a.stopWork(ctx, abort) })
	}
	background.Go(func() {
		select {
		case <-abort:
			a.server.Abort()
		case <-watching.Done():
		}
	})
	err := a.server.Run(ctx)
	end()
	work.Wait()
	// While their leases are still renewed and their data can be saved.
	err = errors.Join(err, a.closeApps(watching))
	unwatch()
	background.Wait()
	return err
}

// stopWork waits for the end of ctx and then stops the work of this process, while
// requests are still answered. Closing abort cuts it.
func (a *App) stopWork(ctx context.Context, abort <-chan struct{}) {
	<-ctx.Done()
	ctx, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	go func() {
		select {
		case <-abort:
			cut()
		case <-ctx.Done():
		}
	}()
	if err := a.Flow.Stop(ctx); err != nil {
		a.log.WarnContext(ctx, "not all work was stopped in order; others take it over", "err", err)
	}
}

// Close gives back what Open took. It is safe after a failed Open.
func (a *App) Close(ctx context.Context) error {
	err := a.closeApps(ctx)
	if a.telemetry != nil {
		ctx, cancel := context.WithTimeout(ctx, flushTime)
		defer cancel()
		err = errors.Join(err, a.telemetry.Shutdown(ctx))
	}
	a.database.close()
	return err
}
