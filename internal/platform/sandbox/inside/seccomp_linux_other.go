//go:build !amd64 && !arm64

package inside

const (
	arch    = 0
	foreign = 0x80000000
)

func forbiddenHere() []uint32 { return nil }
