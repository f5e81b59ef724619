package app

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"cofounder/internal/platform/config"
	"cofounder/internal/platform/db/private"
	"cofounder/internal/platform/telemetry"
	"cofounder/internal/surface/web"
)

// terminal speaks to the person who started us: line by line with what and why
// the first time, three lines later. Its zero out says nothing, as on a server
// with a database of its own, where nobody looks.
type terminal struct {
	out     io.Writer
	cfg     config.Config
	watched bool // a person reads along: out is a terminal, no file or journal
	began   time.Time
	known   bool // there is a database: this is no first start
	started bool // a progress line was printed
}

// worthSaying is how long a start that is not the first may take before its
// progress is told.
const worthSaying = time.Second

func newTerminal(cfg config.Config, out io.Writer) *terminal {
	t := &terminal{cfg: cfg, began: time.Now()}
	if cfg.Data.DatabaseURL.IsSet() {
		return t
	}
	t.out = out
	t.watched = telemetry.Auto.On(out) == telemetry.Readable
	if status, err := private.StatusOf(cfg.Data.Dir); err == nil { // else Start says it
		t.known = status.Exists
	}
	return t
}

// say prints a line. A terminal that is gone is no reason to stop serving.
func (t *terminal) say(format string, args ...any) {
	if t.out != nil {
		_, _ = fmt.Fprintf(t.out, format+"\n", args...) //nolint:errcheck // see above
	}
}

// progress says what takes long, before it is done. step is "subject: what".
func (t *terminal) progress(step string) {
	if t.known && time.Since(t.began) < worthSaying {
		return
	}
	if !t.started {
		t.started = true
		t.say("cofounder %s", Version())
	}
	subject, what, _ := strings.Cut(step, ": ")
	t.row(strings.ToUpper(subject[:1])+subject[1:], what)
}

func (t *terminal) row(name, text string) { t.say("  %-9s %s", name, text) }

// first is what the first start says: what is here, why, and the link.
func (t *terminal) first(address, link string, facts []web.Fact, took time.Duration) {
	if !t.started {
		t.say("cofounder %s", Version())
	}
	t.row("Database", "ready. It keeps your projects in "+t.cfg.Data.Dir+" and takes no connections from outside.")
	t.row("Program", "ready after "+seconds(took)+" at "+address)
	for _, f := range facts {
		state := "no"
		if f.Can {
			state = "yes"
		}
		t.row(short(f.What), state+". "+f.Detail)
	}
	t.say("")
	t.say("Open this link to begin. It works once, for 15 minutes, and makes you the owner:")
	t.say("")
	t.say("  %s", link)
	t.say("")
	t.hint()
}

// short is the word a fact has in the terminal's first column.
func short(what string) string {
	words := map[string]string{
		"Run your app safely": "Cage", showApps: "Preview", "Take pictures": "Browser", web.ReachAI: "AI", "Send mail": "Mail",
	}
	if w, ok := words[what]; ok {
		return w
	}
	return what
}

// again is what later starts say. A link that signs the owner in is for a person
// at the terminal, not for whoever reads a journal later.
func (t *terminal) again(address, link string, took time.Duration) {
	t.say("cofounder %s is ready after %s at %s", Version(), seconds(took), address)
	if link != "" {
		t.say("Sign in as the owner (once, within 15 minutes): %s", link)
	} else {
		t.say("For a link that signs the owner in: %s user reset", program())
	}
	t.hint()
}

func (t *terminal) hint() {
	t.say("Ctrl-C stops me. The database goes on quietly; stop it with: %s db stop", program())
}

// farewell says what was left how.
func (t *terminal) farewell(err error) {
	if err != nil {
		return // the error says it
	}
	t.say("\nStopped. No work was running, so nothing was paused. Everything is saved; the database goes on (%s db stop).", program())
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// program is how to call this program from where the person stands.
func program() string {
	self, err := os.Executable()
	if err != nil {
		return "cofounder"
	}
	if found, err := exec.LookPath("cofounder"); err == nil && found == self {
		return "cofounder"
	}
	here, err := os.Getwd()
	if err != nil {
		return self
	}
	if short, err := filepath.Rel(here, self); err == nil && !strings.HasPrefix(short, "..") {
		if !strings.ContainsRune(short, filepath.Separator) {
			short = "." + string(filepath.Separator) + short
		}
		return short
	}
	return self
}
