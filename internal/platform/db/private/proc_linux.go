package private

import (
	"fmt"
	"os"
)

// servesElsewhere reports whether the process exists and works in another
// folder than the cluster: a server works in its cluster.
func servesElsewhere(pid int, cluster string) bool {
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
