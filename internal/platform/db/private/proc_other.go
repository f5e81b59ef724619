//go:build !linux

package private

// cannotServe is not known here; PostgreSQL's own judgement has to do.
func cannotServe(int, string) bool { return false }

// recoverySync is PostgreSQL's default, file by file; only Linux has better.
const recoverySync = "fsync"
