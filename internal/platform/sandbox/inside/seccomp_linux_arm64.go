package inside

import "golang.org/x/sys/unix"

// arch is the only one whose calls are judged (AUDIT_ARCH_AARCH64).
const arch = unix.AUDIT_ARCH_AARCH64

// foreign has no meaning here: every number is of this architecture.
const foreign = 0x80000000

// forbiddenHere are forbidden calls that only this processor has.
func forbiddenHere() []uint32 { return []uint32{unix.SYS_KEXEC_FILE_LOAD} }
