package repo

import "syscall"

// changedAt is when the system last noted a change of the file, which unlike the time
// of modification nobody can set.
func changedAt(st *syscall.Stat_t) int64 { return st.Ctimespec.Nano() }
