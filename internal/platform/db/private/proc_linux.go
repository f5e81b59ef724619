package private

import (
	"bytes"
	"fmt"
	"os"
)

// cannotServe reports whether the process exists and is no server of the
// cluster: it is dead and only nobody has asked how it ended, which is for ever
// under a first process that does not ask, as in many containers; or it works in
// another folder, where a server works in its cluster.
func cannotServe(pid int, cluster string) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false // gone
	}
	// The state follows the name, which is in parentheses and may hold any.
	if _, state, ok := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" ")); ok && bytes.HasPrefix(state, []byte("Z")) {
		return true
	}
	works, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false // gone, or not ours to look at
	}
	own, err := os.Stat(cluster)
	return err == nil && !os.SameFile(works, own)
}

// recoverySync is how PostgreSQL brings to the disk what a crash left in
// memory, before it reads its log back: with one call instead of opening and
// syncing a thousand files, which is most of the time a restart takes.
const recoverySync = "syncfs"
