package inside

import "golang.org/x/sys/unix"

// arch is the only one whose calls are judged (AUDIT_ARCH_X86_64).
const arch = unix.AUDIT_ARCH_X86_64

// foreign is where the numbers of x32 begin, which mean other calls.
const foreign = 0x40000000

// forbiddenHere are forbidden calls that only this processor has.
func forbiddenHere() []uint32 {
	return []uint32{
		unix.SYS_KEXEC_FILE_LOAD, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS_USELIB, unix.SYS__SYSCTL,
		unix.SYS_SYSFS, unix.SYS_USTAT,
	}
}
