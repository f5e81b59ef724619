package sandboxtest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"cofounder/internal/platform/sandbox"
)

// A puppet is a small program that runs inside a cage: the test program itself, under
// another name, so that no test needs a compiler or a script language.

// puppetInside is where it is shown.
const puppetInside = "/opt/puppet"

// Puppet is the mount that puppets need in a cage's Spec. It is a copy: of the test
// program itself the inside shall see nothing, since it is process 1 there.
func Puppet(tb testing.TB) sandbox.Mount {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatalf("sandboxtest: %v", err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		tb.Fatalf("sandboxtest: %v", err)
	}
	copied := filepath.Join(tb.TempDir(), "puppet")
	if err := os.WriteFile(copied, program, 0o755); err != nil {
		tb.Fatalf("sandboxtest: %v", err)
	}
	return sandbox.Mount{Host: copied, Inside: puppetInside}
}

// Pull is the command that runs a puppet's part.
func Pull(part string, args ...string) sandbox.Command {
	return sandbox.Command{Args: append([]string{puppetInside, puppetArg, part}, args...)}
}

// puppetArg is the first argument of a puppet.
const puppetArg = "-cofounder-puppet"

// puppet runs the part named first and returns the exit code.
func puppet(args []string) int {
	if len(args) == 0 {
		return 64
	}
	part, known := parts()[args[0]]
	if !known {
		fmt.Fprintln(os.Stderr, "there is no part", args[0])
		return 64
	}
	if err := part(args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// parts are what puppets can do.
func parts() map[string]func(args []string) error {
	return map[string]func([]string) error{
		"serve":  serve,
		"call":   call,
		"eat":    eat,
		"fill":   fill,
		"flood":  flood,
		"polite": polite,
		"spawn":  spawn,
		"attack": attack,
		"swap":   swapping,
		"dig":    dig,
		"bomb":   bomb,
		"keeper": keeper,
	}
}

// serve answers each connection on a port with what it says.
func serve(args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	if err != nil {
		return err
	}
	fmt.Println("serving")
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}

// call says something to a port and prints the answer.
func call(args []string) error {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+args[0], 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, args[1]+"\n"); err != nil {
		return err
	}
	answer := make([]byte, 1024)
	n, err := conn.Read(answer)
	fmt.Print(string(answer[:n]))
	return err
}

// eat takes so many megabytes of memory and touches them.
func eat(args []string) error {
	megabytes, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var kept [][]byte
	for range megabytes {
		kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
	}
	fmt.Println("ate", len(kept))
	return nil
}

// fill writes so many megabytes into files of at most 64 in a folder.
func fill(args []string) error {
	megabytes, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	block := bytes.Repeat([]byte{1}, 1<<20)
	for written := 0; written < megabytes; {
		file, err := os.Create(fmt.Sprintf("%s/fill-%d", args[0], written))
		if err != nil {
			return err
		}
		for i := 0; i < 64 && written < megabytes; i++ {
			if _, err := file.Write(block); err != nil {
				return err
			}
			written++
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return nil
}

// flood writes so many bytes to stdout and then reports on stderr.
func flood(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	line := bytes.Repeat([]byte("0123456789abcde\n"), 64)
	for written := 0; written < n; written += len(line) {
		if _, err := os.Stdout.Write(line); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "flooded")
	return nil
}

// polite ends well when it is asked to.
func polite([]string) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("ready")
	<-asked
	fmt.Println("goodbye")
	return nil
}

// spawn leaves processes behind that try to stay: in its group, in a session of their
// own, and both while taking no signals. Each keeps a port open.
func spawn(args []string) error {
	for i, port := range args {
		attr := &os.ProcAttr{Files: []*os.File{nil, nil, nil}, Sys: &syscall.SysProcAttr{Setsid: i%2 == 1}}
		if _, err := os.StartProcess(puppetInside, []string{puppetInside, puppetArg, "serve", port}, attr); err != nil {
			return err
		}
		for range 100 {
			if conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second); err == nil {
				conn.Close()
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}
