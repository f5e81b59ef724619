package wire

import (
	"crypto/sha1" //nolint:gosec // the format's checksum
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zlib"
)

// PackWriter writes a pack of whole objects, without deltas. It is for one goroutine.
type PackWriter struct {
	w    io.Writer
	sum  hash.Hash
	z    *zlib.Writer
	left int
}

// NewPackWriter begins a pack of count objects.
func NewPackWriter(w io.Writer, count int) (*PackWriter, error) {
	p := &PackWriter{sum: sha1.New(), left: count} //nolint:gosec // the format's checksum
	p.w = io.MultiWriter(w, p.sum)
	z, err := zlib.NewWriterLevel(p.w, zlib.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("begin pack: %w", err)
	}
	p.z = z
	head := packHead{Signature: [4]byte{'P', 'A', 'C', 'K'}, Version: 2, Count: uint32(count)} //nolint:gosec // a count of objects we hold
	return p, binary.Write(p.w, binary.BigEndian, head)
}

// Add writes one object.
func (p *PackWriter) Add(kind Kind, data []byte) error {
	size := uint64(len(data))
	head := make([]byte, 0, 10)
	b := byte(kind&7)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		head = append(head, b|0x80)
		b = byte(size & 0x7f)
	}
	if _, err := p.w.Write(append(head, b)); err != nil {
		return err
	}
	p.z.Reset(p.w)
	if _, err := p.z.Write(data); err != nil {
		return err
	}
	p.left--
	return p.z.Close()
}

// Close ends the pack with its checksum. It fails when another number of objects was
// added than promised.
func (p *PackWriter) Close() error {
	if p.left != 0 {
		return fmt.Errorf("end pack: %d objects are missing", p.left)
	}
	_, err := p.w.Write(p.sum.Sum(nil))
	return err
}
