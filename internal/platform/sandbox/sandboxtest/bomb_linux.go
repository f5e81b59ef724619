package sandboxtest

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// bomb takes as much as it gets of one thing and then fails.
func bomb(args []string) error {
	for i := 0; ; i++ {
		var err error
		switch args[0] {
		case "threads":
			go func() {
				runtime.LockOSThread()
				select {}
			}()
			if i > 10_000 {
				err = fmt.Errorf("%d threads were allowed", i)
			}
		case "descriptors":
			_, err = unix.Open("/dev/null", unix.O_RDONLY, 0)
		case "pipes":
			err = fillPipe()
		case "files":
			err = os.WriteFile(fmt.Sprintf("%s/%d", args[1], i), nil, 0o644)
		case "memory":
			err = unseen(i)
		}
		if err != nil {
			return fmt.Errorf("stopped at %d: %w", i, err)
		}
	}
}

// fillPipe makes a pipe as large as it may be and fills it.
func fillPipe() error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_NONBLOCK); err != nil {
		return err
	}
	size, err := unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, 1<<20)
	if err != nil {
		size = 1 << 16
	}
	_, err = unix.Write(ends[1], make([]byte, size))
	return err
}

// unseen takes memory that belongs to no process: a file in memory without a name, or
// a segment that nobody is attached to.
func unseen(i int) error {
	const size = 16 << 20
	fd, err := unix.MemfdCreate("bomb", 0)
	if err == nil {
		_, err = unix.Write(fd, make([]byte, size))
		return err
	}
	id, err := unix.SysvShmGet(i+1, size, unix.IPC_CREAT|0o600)
	if err != nil {
		return err
	}
	memory, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return err
	}
	for at := 0; at < size; at += 4096 {
		memory[at] = 1
	}
	return unix.SysvShmDetach(memory)
}
