package sandbox

import (
	"cmp"
	"time"
)

// Limits bound a cage. Sizes are bytes.
type Limits struct {
	Memory    int64 // of all processes together, with what they keep in Temp
	CPU       int   // thousandths of one processor: 1500 is one and a half
	Processes int   // at once, threads counted
	Files     int   // open at once by one process
	FileSize  int64 // of one file
	Disk      int64 // of workspace and home together
	Temp      int64 // of Temp
	// Output is how much a program may write to stdout and stderr in one go; a
	// hundredth of it more each second. What is beyond is dropped and counted, and its
	// writer slowed down.
	Output int64
	// Life is how long the cage may exist. Then it is destroyed, and what runs in it
	// ends with OutOfTime.
	Life time.Duration
}

const (
	mib = 1 << 20
	gib = 1 << 30
)

// Building is what building and testing gets.
func Building() Limits {
	return Limits{
		Memory: 2 * gib, CPU: 2000, Processes: 512, Files: 1024, FileSize: 256 * mib, Disk: 4 * gib, Temp: 512 * mib,
		Output: 5 * mib, Life: time.Hour,
	}
}

// Serving is what a running app gets.
func Serving() Limits {
	return Limits{
		Memory: 512 * mib, CPU: 500, Processes: 128, Files: 1024, FileSize: 256 * mib, Disk: 1 * gib, Temp: 64 * mib,
		Output: 1 * mib, Life: 8 * time.Hour,
	}
}

// Or returns l with each zero field taken from other.
func (l Limits) Or(other Limits) Limits {
	return Limits{
		Memory:    cmp.Or(l.Memory, other.Memory),
		CPU:       cmp.Or(l.CPU, other.CPU),
		Processes: cmp.Or(l.Processes, other.Processes),
		Files:     cmp.Or(l.Files, other.Files),
		FileSize:  cmp.Or(l.FileSize, other.FileSize),
		Disk:      cmp.Or(l.Disk, other.Disk),
		Temp:      cmp.Or(l.Temp, other.Temp),
		Output:    cmp.Or(l.Output, other.Output),
		Life:      cmp.Or(l.Life, other.Life),
	}
}
