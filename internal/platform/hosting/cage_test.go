package hosting_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"cofounder/internal/platform/hosting"
	"cofounder/internal/platform/sandbox"
	"cofounder/internal/platform/sandbox/sandboxtest"
)

// restless is an app that writes the same growing line to two files, one after the
// other, as fast as it can: a reader that does not hold it still finds them apart.
const restless = `
import http.server, os, threading
os.chdir(os.environ["DATA_DIR"])
for name in "c": open(name, "wb").write(os.urandom(24 << 20))
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"%d" % count)
count = 0
def write():
    global count
    with open("a", "r+b", 0) as a, open("z", "r+b", 0) as z:
        while True:
            count += 1
            for f in (a, z): f.seek(0); f.write(b"%020d" % count)
for name in "az": open(name, "wb").write(b"%020d" % 0)
threading.Thread(target=write, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), App).serve_forever()
`

// In a real cage an app's data are read while it is held still, and it goes on
// afterwards; a limit it breaks is said in words.
func TestInARealCage(t *testing.T) {
	t.Parallel()
	w := newInstallation(t)
	w.mu.Lock()
	w.code["restless"] = fstest.MapFS{"app.py": {Data: []byte(restless)}}
	w.code["hungry"] = fstest.MapFS{"app.py": {Data: []byte("x = [b\"x\" * (1 << 20) for _ in range(4000)]")}}
	w.mu.Unlock()
	p := w.start(t, func(c *hosting.Config) {
		c.Driver = sandboxtest.New(t)
		c.Limits = sandbox.Limits{Memory: 256 << 20}
	})
	label := p.app(t, func(a *hosting.App) { a.Code, a.Command = "restless", []string{"python3", "app.py"} })
	p.wake(t, label, hosting.Running)
	for round := range 3 {
		before := p.get(t, label, "/")
		var first, last string
		if err := p.Export(t.Context(), project, "mine", func(f hosting.File) error {
			switch f.Name {
			case "a":
				first = string(f.Body)
			case "z":
				last = string(f.Body)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		// Between its two writes a is one ahead.
		if a, z := number(t, first), number(t, last); a != z && a != z+1 {
			t.Errorf("round %d: the files are from different moments: %d and %d", round, a, z)
		}
		if after := p.get(t, label, "/"); number(t, after) <= number(t, before) {
			t.Errorf("round %d: it did not go on: %s, then %s", round, before, after)
		}
	}
	hungry := p.app(t, func(a *hosting.App) {
		a.Slot, a.Data, a.Code, a.Command = "hungry", "hungry", "hungry", []string{"python3", "app.py"}
	})
	began := time.Now()
	if st := p.wake(t, hungry, hosting.Crashed); !strings.Contains(st.Reason, "more memory than it may have (256 MB)") {
		t.Errorf("after %s the founder is told %q", time.Since(began), st.Reason)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
