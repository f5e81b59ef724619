package sandboxtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attempts are all there are.
func attempts() []attempt {
	return slices.Concat(fileAttempts(), processAttempts(), privilegeAttempts(), kernelAttempts(), networkAttempts())
}

// errNothing is for attempts that look for something.
var errNothing = errors.New("nothing was found")

// got turns a call that must fail into what an attempt returns.
func got(err error, what string) (string, error) {
	if err != nil {
		return "", err
	}
	return what, nil
}

// call3 makes a raw system call and returns its error.
func call3(number, a, b, c uintptr) error {
	if _, _, e := unix.RawSyscall(number, a, b, c); e != 0 {
		return e
	}
	return nil
}

// sharedMemory makes a segment on the host that anybody may read, and returns its key.
func sharedMemory(t *testing.T, text string) int {
	t.Helper()
	key := unix.Getpid()<<8 | 0x5a
	id, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil {
			t.Error(err)
		}
	})
	memory, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(memory, text)
	if err := unix.SysvShmDetach(memory); err != nil {
		t.Fatal(err)
	}
	return key
}

// kernelAttempts ask the kernel for what would lead elsewhere.
func kernelAttempts() []attempt {
	path := []byte("/workspace\x00")
	name := []byte("canary\x00")
	all := []attempt{
		{"shared memory of the host", "its text", func(t target) (string, error) {
			id, err := unix.SysvShmGet(t.Queue, 0, 0)
			if err != nil {
				return "", err
			}
			memory, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY)
			if err != nil {
				return "", err
			}
			if !t.is(string(memory)) {
				return "", errNothing
			}
			return "the canary", nil
		}, true},
		{"calls newer than the filter", "one that is not refused as unknown", func(target) (string, error) {
			for n := uintptr(463); n < 700; n++ {
				if err := call3(n, 0, 0, 0); !errors.Is(err, unix.ENOSYS) {
					return fmt.Sprintf("call %d: %v", n, err), nil
				}
			}
			return "", unix.ENOSYS
		}, false},
	}
	for _, c := range []struct {
		name    string
		number  uintptr
		a, b, c uintptr
	}{
		{"io_uring", unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&make([]byte, 256)[0])), 0},
		{"asynchronous input and output", unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&make([]uint64, 1)[0])), 0},
		{"bpf", unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&make([]byte, 256)[0])), 128},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, uintptr(unsafe.Pointer(&make([]byte, 256)[0])), 0, 0},
		{"userfaultfd", unix.SYS_USERFAULTFD, 1, 0, 0},
		{"add_key", unix.SYS_ADD_KEY, uintptr(unsafe.Pointer(&[]byte("user\x00")[0])), uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&name[0]))},
		{"keyctl", unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, ^uintptr(2), 1},
		{"request_key", unix.SYS_REQUEST_KEY, uintptr(unsafe.Pointer(&[]byte("user\x00")[0])), uintptr(unsafe.Pointer(&name[0])), 0},
		{"name_to_handle_at", unix.SYS_NAME_TO_HANDLE_AT, ^uintptr(99), uintptr(unsafe.Pointer(&path[0])), uintptr(unsafe.Pointer(&make([]byte, 256)[0]))},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, 0, uintptr(unsafe.Pointer(&make([]byte, 256)[0])), 0},
		{"syslog", unix.SYS_SYSLOG, 3, uintptr(unsafe.Pointer(&make([]byte, 4096)[0])), 4096},
		{"personality", unix.SYS_PERSONALITY, 0x0040000, 0, 0},
		{"kexec_load", unix.SYS_KEXEC_LOAD, 0, 0, 0},
		{"init_module", unix.SYS_INIT_MODULE, 0, 0, 0},
		{"delete_module", unix.SYS_DELETE_MODULE, uintptr(unsafe.Pointer(&name[0])), 0, 0},
		{"quotactl", unix.SYS_QUOTACTL, 0, 0, 0},
		{"swapon", unix.SYS_SWAPON, uintptr(unsafe.Pointer(&path[0])), 0, 0},
		{"reboot", unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2, unix.LINUX_REBOOT_CMD_CAD_OFF},
		{"acct", unix.SYS_ACCT, 0, 0, 0},
		{"settimeofday", unix.SYS_SETTIMEOFDAY, uintptr(unsafe.Pointer(&make([]int64, 2)[0])), 0, 0},
		{"clock_settime", unix.SYS_CLOCK_SETTIME, 0, uintptr(unsafe.Pointer(&make([]int64, 2)[0])), 0},
		{"adjtimex", unix.SYS_ADJTIMEX, uintptr(unsafe.Pointer(&make([]byte, 512)[0])), 0, 0},
		{"fanotify", unix.SYS_FANOTIFY_INIT, 0, 0, 0},
		{"kcmp", unix.SYS_KCMP, 1, 1, 0},
		{"process_madvise", unix.SYS_PROCESS_MADVISE, 0, 0, 0},
		{"memfd_secret", unix.SYS_MEMFD_SECRET, 0, 0, 0},
		{"lookup_dcookie", unix.SYS_LOOKUP_DCOOKIE, 0, 0, 0},
		{"move_pages", unix.SYS_MOVE_PAGES, 1, 0, 0},
		{"vmsplice", unix.SYS_VMSPLICE, 1, 0, 0},
	} {
		all = append(all, attempt{c.name, "a call that is not refused", func(target) (string, error) {
			err := call3(c.number, c.a, c.b, c.c)
			// Any other error means that the kernel got to see it.
			if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
				return "", err
			}
			return fmt.Sprintf("the kernel answered %v", err), nil
		}, false})
	}
	return append(all, otherMachines()...)
}
