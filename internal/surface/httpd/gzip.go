package httpd

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// AcceptsGzip reports whether the client reads gzip.
func AcceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q := strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			f, err := strconv.ParseFloat(q, 64)
			return q == "" || err == nil && f > 0
		}
	}
	return false
}

// groups writes a gzip stream (RFC 1952) in groups that can each be read as soon as
// they are there. Between groups it holds eight bytes, where a gzip.Writer holds
// most of a megabyte: a thousand open streams share a few compressors. The price is
// that no group refers to what was in an earlier one.
type groups struct {
	begun    bool
	checksum uint32
	size     uint32
}

// gzipHeader names deflate, no time and no system.
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// lastBlock is an empty stored block marked as the last (RFC 1951, 3.2.4).
const lastBlock = "\x01\x00\x00\xff\xff"

// compressors are reused; each is empty between two groups.
var compressors sync.Pool //nolint:gochecknoglobals // a cache without a meaning

// add appends one group to b.
func (g *groups) add(b *bytes.Buffer, text []byte) error {
	if !g.begun {
		g.begun = true
		b.WriteString(gzipHeader)
	}
	g.checksum = crc32.Update(g.checksum, crc32.IEEETable, text)
	g.size += uint32(len(text)) //nolint:gosec // modulo 2^32 is what the format asks for
	w, ok := compressors.Get().(*flate.Writer)
	if ok {
		w.Reset(b)
	} else {
		var err error
		if w, err = flate.NewWriter(b, flate.BestSpeed); err != nil {
			return fmt.Errorf("compress: %w", err)
		}
	}
	defer compressors.Put(w)
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	if err := w.Flush(); err != nil { // ends on a whole byte, so that groups can be joined
		return fmt.Errorf("compress: %w", err)
	}
	return nil
}

// end is what follows the last group.
func (g *groups) end() []byte {
	b := []byte(lastBlock)
	b = binary.LittleEndian.AppendUint32(b, g.checksum)
	return binary.LittleEndian.AppendUint32(b, g.size)
}
