//go:build !linux

package private

// servesElsewhere is not known here; PostgreSQL's own judgement has to do.
func servesElsewhere(int, string) bool { return false }

// recoverySync is PostgreSQL's default, file by file; only Linux has better.
const recoverySync = "fsync"
