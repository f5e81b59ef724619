package sandboxtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"cofounder/internal/platform/sandbox"
)

// An attempt is one attack. It runs inside a cage, as a puppet, and knows everything
// about the host but the canary: what it would have got, and by which hash it can tell
// that it did.
type attempt struct {
	name string
	// canary is what shows that it succeeded.
	canary string
	// try returns what it got, or an error that says what it met.
	try func(target) (got string, err error)
	// control says that it succeeds on a host without a cage, which is tried too: an
	// attack that works nowhere proves nothing.
	control bool
}

// target is what an attacker knows.
type target struct {
	Secret   string // a file on the host anybody there may read
	Hash     string // of what is in it, and in a variable of the host's processes
	Folder   string // on the host, anybody may write to it
	Decoy    int    // a process on the host with the cage's own user
	TCP4     int    // ports of the host
	TCP6     int
	UDP      int
	Abstract string // sockets of the host
	Socket   string
	Queue    int // key of shared memory on the host
	Homes    []string
	State    string // the driver's folder on the host
}

// is reports whether text holds the canary.
func (t target) is(text string) bool {
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == 0 || r == '\n' || r == '=' || r == ' ' }) {
		sum := sha256.Sum256([]byte(field))
		if hex.EncodeToString(sum[:]) == t.Hash {
			return true
		}
	}
	return false
}

// The first word of what an attempt says.
const (
	held = "held:"
	lost = "LOST:"
)

// attack is the puppet's part: one attempt.
func attack(args []string) error {
	var t target
	if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
		return err
	}
	for _, a := range attempts() {
		if a.name != args[0] {
			continue
		}
		if got, err := a.try(t); err != nil {
			fmt.Println(held, err)
		} else {
			fmt.Println(lost, got)
		}
		return nil
	}
	return fmt.Errorf("there is no attack %q", args[0])
}

// victim is a host with canaries.
type victim struct {
	target
	text string       // the canary
	hits atomic.Int64 // connections and packets that reached the host
}

// variable is where the canary is in the environment of the host's processes.
const variable = "COFOUNDER_TEST_CANARY"

// Attack tries everything there is to try against a driver's cages and checks that no
// canary moved. known are attempts that succeed, with the reason why that is accepted;
// one that fails makes the test fail, since the reason is then wrong. It changes the
// environment of the process: the caller must not be parallel.
func Attack(t *testing.T, d sandbox.Driver, state string, known map[string]string) {
	t.Helper()
	v := newVictim(t)
	v.State = state
	c := Create(t, d, sandbox.Spec{ID: "attacked", ReadOnly: []sandbox.Mount{Puppet(t)}, Limits: small()})
	v.addDecoy(t, c)
	for _, a := range attempts() {
		t.Run(a.name, func(t *testing.T) {
			if a.control {
				if out := v.outside(t, a.name); !strings.HasPrefix(out, lost) {
					t.Errorf("on the host itself it got nothing, so it proves nothing: %s", out)
				}
				v.hits.Store(0)
			}
			out, exit, err := run(t, c, v.pull(t, a.name))
			won := strings.HasPrefix(out, lost)
			if reason, ok := known[a.name]; ok {
				if !won {
					t.Errorf("is known to succeed (%s), but: %s", reason, out)
				}
				return
			}
			switch {
			case won:
				t.Errorf("canary: %s\n%s", a.canary, out)
			case strings.HasPrefix(out, held):
			case exit.Code == 128+int(syscall.SIGSYS): // the filter ends a program that speaks another machine's language
			default:
				t.Errorf("the attack did not run: exit %d, %v\n%s", exit.Code, err, out)
			}
		})
	}
	v.check(t)
	if out, _, err := run(t, c, sh("echo alive")); err != nil || out != "alive\n" {
		t.Errorf("the cage did not survive its inmate: %q, %v", out, err)
	}
}

// pull is the command of one attempt.
func (v *victim) pull(t *testing.T, name string) sandbox.Command {
	t.Helper()
	knows, err := json.Marshal(v.target)
	if err != nil {
		t.Fatal(err)
	}
	return Pull("attack", name, string(knows))
}

// outside makes the attempt without a cage.
func (v *victim) outside(t *testing.T, name string) string {
	t.Helper()
	args := v.pull(t, name).Args
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args[1:]...)
	cmd.Dir = v.Folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v", out, err)
	}
	return string(out)
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{text: rand.Text()}
	sum := sha256.Sum256([]byte(v.text))
	v.Hash = hex.EncodeToString(sum[:])
	t.Setenv(variable, v.text)
	dir, err := os.MkdirTemp("", "victim") //nolint:usetesting // anybody on the host may go in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	v.Folder = filepath.Join(dir, "open")
	v.Secret = filepath.Join(dir, "secret")
	for _, err := range []error{
		os.Chmod(dir, 0o755), os.Mkdir(v.Folder, 0o755), os.Chmod(v.Folder, 0o777), os.WriteFile(v.Secret, []byte(v.text), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	v.Homes = []string{"/root/.ssh", "/root/.bashrc", "/root/.profile", "/root/.cache", "/root/go", "/home/" + filepath.Base(os.Getenv("HOME"))}
	v.listen(t, dir)
	v.leakDescriptor(t)
	v.Queue = sharedMemory(t, v.text)
	return v
}

// listen opens every kind of door on the host and counts who comes.
func (v *victim) listen(t *testing.T, dir string) {
	t.Helper()
	v.Abstract, v.Socket = "@cofounder-victim-"+rand.Text()[:8], filepath.Join(dir, "socket")
	ports := map[string]*int{"127.0.0.1:0": &v.TCP4, "[::1]:0": &v.TCP6}
	for _, l := range []struct{ network, address string }{
		{"tcp", "127.0.0.1:0"}, {"tcp", "[::1]:0"}, {"unix", v.Abstract}, {"unix", v.Socket},
	} {
		var config net.ListenConfig
		listener, err := config.Listen(t.Context(), l.network, l.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
			*ports[l.address] = tcp.Port
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				v.hits.Add(1)
				conn.Close()
			}
		}()
	}
	var config net.ListenConfig
	packets, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packets.Close() })
	v.UDP = packets.LocalAddr().(*net.UDPAddr).Port //nolint:forcetypeassert // it is one
	go func() {
		for {
			if _, _, err := packets.ReadFrom(make([]byte, 16)); err != nil {
				return
			}
			v.hits.Add(1)
		}
	}()
	if err := os.Chmod(v.Socket, 0o777); err != nil {
		t.Fatal(err)
	}
}

// leakDescriptor opens the secret as careless programs do, so that children inherit it.
func (v *victim) leakDescriptor(t *testing.T) {
	t.Helper()
	fd, err := syscall.Open(v.Secret, syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
}

// addDecoy starts a process on the host as the cage's own user, with the canary in its
// environment.
func (v *victim) addDecoy(t *testing.T, c sandbox.Cage) {
	t.Helper()
	if err := c.Files().Write("probe", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	found, err := c.Files().Stat("probe")
	if err != nil {
		t.Fatal(err)
	}
	decoy := exec.CommandContext(context.WithoutCancel(t.Context()), "sleep", "1000")
	if owner, ok := found.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		decoy.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	if err := decoy.Start(); err != nil {
		t.Fatal(err)
	}
	v.Decoy = decoy.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- decoy.Wait() }()
	t.Cleanup(func() {
		select {
		case err := <-ended:
			t.Errorf("canary: the process on the host ended: %v", err)
		default:
			if err := decoy.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-ended
		}
	})
}

// check looks at every canary once all attempts were made.
func (v *victim) check(t *testing.T) {
	t.Helper()
	if n := v.hits.Load(); n != 0 {
		t.Errorf("canary: the host was reached %d times", n)
	}
	if text, err := os.ReadFile(v.Secret); err != nil || string(text) != v.text {
		t.Errorf("canary: the secret is now %q, %v", text, err)
	}
	left, err := os.ReadDir(v.Folder)
	if err != nil {
		t.Error(err)
	}
	for _, e := range left {
		if !strings.HasPrefix(e.Name(), "control-") {
			t.Errorf("canary: %s was written on the host", e.Name())
		}
	}
}
