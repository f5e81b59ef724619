//go:build fault

package faultpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	wanted, _, _ = strings.Cut(os.Getenv("FAULT"), ":") //nolint:gochecknoglobals,forbidigo // set once, by whoever kills
	passes       = nth(os.Getenv("FAULT"))              //nolint:gochecknoglobals,forbidigo // set once, by whoever kills
	passed       atomic.Int64                           //nolint:gochecknoglobals // counts for the whole process
)

// nth reads the number behind the name; without one it is the first pass.
func nth(s string) int64 {
	_, n, _ := strings.Cut(s, ":")
	if i, err := strconv.ParseInt(n, 10, 64); err == nil {
		return i
	}
	return 1
}

// At kills the process when FAULT names this place and it is passed for the n-th time.
func At(name string) {
	if name != wanted || passed.Add(1) != passes {
		return
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic("faultpoint: " + err.Error())
	}
	select {} // the signal is on its way
}
