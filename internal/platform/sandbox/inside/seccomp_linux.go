package inside

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter allows by default: toolchains use too much to list. It forbids what is
// known to lead out of a cage or deep into the kernel, and everything it does not
// know: foreign architectures, and calls newer than itself.

// What the filter may say (seccomp(2)).
const (
	allow    = 0x7fff0000
	killProc = 0x80000000
	refuse   = 0x00050000 // with an errno
)

// Where seccomp_data keeps things, little endian.
const (
	offNumber = 0
	offArch   = 4
	offArgs   = 16 // 8 bytes each; arguments that matter here fit the low 4
)

// The instructions (linux/bpf_common.h).
const (
	load     = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	jumpEq   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	jumpGe   = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	jumpBits = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	ret      = unix.BPF_RET | unix.BPF_K
)

// newest is the first call this filter does not know. A program that asks for one is
// told that the kernel has none, as on an older one.
const newest = unix.SYS_MSEAL + 1

// filter is a program that grows.
type filter []unix.SockFilter

func (f *filter) add(code uint16, jumpTrue, jumpFalse uint8, k uint32) {
	*f = append(*f, unix.SockFilter{Code: code, Jt: jumpTrue, Jf: jumpFalse, K: k})
}

// when returns verdict if the value equals one of these.
func (f *filter) when(verdict uint32, values ...uint32) {
	for _, v := range values {
		f.add(jumpEq, 0, 1, v)
		f.add(ret, 0, 0, verdict)
	}
}

// deny lets these calls fail with e.
func (f *filter) deny(e unix.Errno, calls ...uint32) { f.when(refuse|uint32(e), calls...) } //nolint:gosec // errnos are small

// on judges one call by body, which begins with an argument loaded; what body does
// not decide is allowed.
func (f *filter) on(call uint32, argument uint32, body func(*filter)) {
	var judged filter
	judged.add(load, 0, 0, offArgs+8*argument)
	body(&judged)
	judged.add(ret, 0, 0, allow)
	f.add(jumpEq, 0, uint8(len(judged)), call) //nolint:gosec // bodies are short
	*f = append(*f, judged...)
}

// newNamespaces are the flags of clone(2) that make one.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// program returns the filter. more are calls that are absent in this cage, too.
func program(arch uint32, more ...uint32) filter {
	var f filter
	f.add(load, 0, 0, offArch)
	f.add(jumpEq, 1, 0, arch)
	f.add(ret, 0, 0, killProc)
	f.add(load, 0, 0, offNumber)
	f.add(jumpGe, 0, 1, foreign)
	f.add(ret, 0, 0, killProc)
	f.add(jumpGe, 0, 1, newest)
	f.add(ret, 0, 0, refuse|uint32(unix.ENOSYS))
	f.deny(unix.ENOSYS, append(absent(), more...)...)
	f.deny(unix.EPERM, forbidden()...)
	f.deny(unix.EPERM, forbiddenHere()...)
	f.on(unix.SYS_CLONE, 0, func(b *filter) {
		b.add(jumpBits, 0, 1, newNamespaces)
		b.add(ret, 0, 0, refuse|uint32(unix.EPERM))
	})
	f.on(unix.SYS_IOCTL, 1, func(b *filter) {
		const consoleSelection = 0x541c // TIOCLINUX
		b.deny(unix.EPERM, unix.TIOCSTI, consoleSelection, unix.TIOCSETD)
	})
	f.on(unix.SYS_SOCKET, 0, sockets)
	f.on(unix.SYS_SOCKETPAIR, 0, func(b *filter) {
		b.when(allow, unix.AF_UNIX)
		b.add(ret, 0, 0, refuse|uint32(unix.EAFNOSUPPORT))
	})
	f.on(unix.SYS_PERSONALITY, 0, func(b *filter) {
		b.when(allow, 0, 0xffffffff) // Linux as it is; and the question what it is
		b.add(ret, 0, 0, refuse|uint32(unix.EPERM))
	})
	f.add(ret, 0, 0, allow)
	return f
}

// sockets allows unix, TCP and UDP, and asking for the network's addresses. AF_VSOCK
// must not pass: no namespace stands between it and the hypervisor.
func sockets(b *filter) {
	b.when(allow, unix.AF_UNIX)
	b.add(jumpEq, 0, 4, unix.AF_NETLINK)
	b.add(load, 0, 0, offArgs+16)
	b.add(jumpEq, 0, 1, unix.NETLINK_ROUTE)
	b.add(ret, 0, 0, allow)
	b.add(ret, 0, 0, refuse|uint32(unix.EPROTONOSUPPORT))
	b.add(jumpEq, 2, 0, unix.AF_INET)
	b.add(jumpEq, 1, 0, unix.AF_INET6)
	b.add(ret, 0, 0, refuse|uint32(unix.EAFNOSUPPORT))
	b.add(load, 0, 0, offArgs+16)
	b.when(allow, 0, unix.IPPROTO_TCP, unix.IPPROTO_UDP)
	b.add(ret, 0, 0, refuse|uint32(unix.EPROTONOSUPPORT))
}

// absent are calls that programs can do without, and do when told there are none.
func absent() []uint32 {
	return []uint32{
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_CLONE3, unix.SYS_IO_SETUP,
		unix.SYS_MEMFD_SECRET,
	}
}

// forbidden are calls with which nobody in a cage has honest business.
func forbidden() []uint32 {
	return []uint32{
		// keys of the kernel, which namespaces share
		unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
		// into other processes
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
		// mounts and roots
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT,
		unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
		unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_FANOTIFY_INIT,
		// namespaces
		unix.SYS_UNSHARE, unix.SYS_SETNS,
		// the kernel itself
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE,
		unix.SYS_DELETE_MODULE, unix.SYS_SYSLOG, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_MOVE_PAGES, unix.SYS_MIGRATE_PAGES, unix.SYS_VMSPLICE,
		// the machine
		unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME,
		unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME, unix.SYS_VHANGUP, unix.SYS_NFSSERVCTL,
	}
}

// ownerless are calls that get memory which belongs to no process. They are absent
// where memory is limited by looking at processes.
func ownerless() []uint32 { return []uint32{unix.SYS_MEMFD_CREATE, unix.SYS_SHMGET} }

// filterCalls puts the filter on all threads; programs inherit it.
func filterCalls(more ...uint32) error {
	if arch == 0 {
		return errArchitecture
	}
	f := program(arch, more...)
	prog := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]} //nolint:gosec // some hundred instructions
	//nolint:gosec // the system call takes a pointer
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(f)
	if e != 0 {
		return e
	}
	return nil
}
