package ns

import (
	"log/slog"
	"os"
	"sync/atomic"

	"cofounder/internal/base/clock"
)

// Name is the driver's.
const Name = "ns"

// Config is what a Driver needs.
type Config struct {
	// Dir holds what cages keep while they live, and warm caches. It is made if it is
	// missing; several processes may share it. It must not be shown to any cage.
	Dir   string
	Clock clock.Clock
	Log   *slog.Logger
}

// initName is how the first process of a cage is called.
const initName = "cofounder-cage"

// called reports that main calls Init. Without, a program that starts itself again
// would do over and over what it does.
var called atomic.Bool //nolint:gochecknoglobals // it is about the program

// Init runs the first process of a cage if this process is to be one. Call it before
// anything else in main and exit with code when it says so.
func Init() (code int, isInit bool) {
	called.Store(true)
	if len(os.Args) == 0 || os.Args[0] != initName {
		return 0, false
	}
	return beFirst(), true
}
