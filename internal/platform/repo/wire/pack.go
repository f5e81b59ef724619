package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git names objects by SHA-1
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
)

// IDSize is the length of an object's name.
const IDSize = sha1.Size

// Kind is what an object is, by git's numbers.
type Kind int16

// The kinds of object a repository holds.
const (
	Commit Kind = 1
	Tree   Kind = 2
	Blob   Kind = 3
	Tag    Kind = 4

	offsetDelta Kind = 6
	nameDelta   Kind = 7
)

// String returns the word git hashes with an object.
func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	case offsetDelta, nameDelta:
		return "delta"
	}
	return "unknown"
}

// Limits bound what one pack may ask of us.
type Limits struct {
	Objects int64 // how many
	Object  int64 // bytes of one, inflated
	Total   int64 // bytes of all and of their deltas, inflated
}

// LimitError says which limit a pack passed.
type LimitError struct {
	What string
	Max  int64
}

// Error is fit for the person who pushes.
func (e *LimitError) Error() string {
	return fmt.Sprintf("this is too much to take: the limit is %d %s", e.Max, e.What)
}

// Sink takes a pack's objects and gives back those that deltas are based on.
type Sink struct {
	// Put takes one whole object, which is the callee's from then on, and returns
	// its name.
	Put func(ctx context.Context, kind Kind, data []byte) ([IDSize]byte, error)
	// Base returns an object that was put before or was there already. ErrNoBase in
	// the chain of its error says that there is none.
	Base func(ctx context.Context, id [IDSize]byte) (Kind, []byte, error)
}

// ErrNoBase says that a delta is based on an object nobody has.
var ErrNoBase = errors.New("a delta is based on an object that is not here")

// packHead begins every pack.
type packHead struct {
	Signature      [4]byte
	Version, Count uint32
}

// ReadPack reads one pack up to the end of r, gives its objects to sink in their
// order, and returns how many there were. The pack is proven only at its end, by its
// checksum: what was put before an error is to be thought of as never sent.
//
// Errors: *LimitError, ErrMalformed or ErrNoBase in the chain, or those of r and sink.
func ReadPack(ctx context.Context, r io.Reader, limits Limits, sink Sink) (int, error) {
	tail := &tail{r: r, sum: sha1.New()} //nolint:gosec // the format's checksum
	in := &packReader{
		tail: tail, r: bufio.NewReaderSize(tail, 1<<16), limits: limits, sink: sink,
		at: map[int64][IDSize]byte{},
	}
	var head packHead
	if err := binary.Read(in.r, binary.BigEndian, &head); err != nil {
		return 0, early(err)
	}
	if string(head.Signature[:]) != "PACK" || head.Version != 2 {
		return 0, malformed("this is not a pack of version 2")
	}
	if int64(head.Count) > limits.Objects {
		return 0, &LimitError{What: "objects", Max: limits.Objects}
	}
	for range head.Count {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := in.object(ctx); err != nil {
			return 0, err
		}
	}
	return int(head.Count), in.end()
}

// packReader is one pack being read.
type packReader struct {
	tail   *tail
	r      *bufio.Reader
	z      io.ReadCloser
	limits Limits
	sink   Sink
	total  int64
	at     map[int64][IDSize]byte // names by offset
}

func (p *packReader) offset() int64 { return p.tail.n - int64(p.r.Buffered()) }

// object reads one entry: its head, its base if it is a delta, its data.
func (p *packReader) object(ctx context.Context) error {
	start := p.offset()
	kind, size, err := p.head()
	if err != nil {
		return err
	}
	var base [IDSize]byte
	switch kind {
	case Commit, Tree, Blob, Tag:
	case offsetDelta:
		if base, err = p.baseBefore(start); err != nil {
			return err
		}
	case nameDelta:
		if _, err := io.ReadFull(p.r, base[:]); err != nil {
			return early(err)
		}
	default:
		return malformed("an object is of kind %d", kind)
	}
	data, err := p.inflate(size)
	if err != nil {
		return err
	}
	if kind == offsetDelta || kind == nameDelta {
		if kind, data, err = p.resolve(ctx, base, data); err != nil {
			return err
		}
	}
	id, err := p.sink.Put(ctx, kind, data)
	if err != nil {
		return err
	}
	p.at[start] = id
	return nil
}

// head reads an entry's kind and size: four bits of it in the first byte, seven in
// each that follows.
func (p *packReader) head() (Kind, int64, error) {
	b, err := p.r.ReadByte()
	if err != nil {
		return 0, 0, early(err)
	}
	kind, size := Kind(b>>4&7), uint64(b&15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = p.r.ReadByte(); err != nil {
			return 0, 0, early(err)
		}
		if shift > 53 {
			return 0, 0, malformed("an object's size does not end")
		}
		size |= uint64(b&0x7f) << shift
	}
	return kind, int64(size), nil
}

// baseBefore reads how far back a delta's base begins.
func (p *packReader) baseBefore(start int64) ([IDSize]byte, error) {
	b, err := p.r.ReadByte()
	if err != nil {
		return [IDSize]byte{}, early(err)
	}
	back := int64(b & 0x7f)
	for b&0x80 != 0 {
		if b, err = p.r.ReadByte(); err != nil {
			return [IDSize]byte{}, early(err)
		}
		if back > 1<<48 {
			return [IDSize]byte{}, malformed("a delta's offset does not end")
		}
		back = (back+1)<<7 | int64(b&0x7f)
	}
	base, ok := p.at[start-back]
	if !ok {
		return base, malformed("a delta's base is not an object before it")
	}
	return base, nil
}

// take counts bytes against the limits before they are read.
func (p *packReader) take(size int64) error {
	if size > p.limits.Object {
		return &LimitError{What: "bytes of one object", Max: p.limits.Object}
	}
	p.total += size
	if p.total > p.limits.Total {
		return &LimitError{What: "bytes in one push", Max: p.limits.Total}
	}
	return nil
}

// inflate reads compressed data that must have exactly the size its head promised.
func (p *packReader) inflate(size int64) ([]byte, error) {
	if err := p.take(size); err != nil {
		return nil, err
	}
	var err error
	if p.z == nil {
		p.z, err = zlib.NewReader(p.r)
	} else {
		err = p.z.(zlib.Resetter).Reset(p.r, nil) //nolint:errcheck // zlib says that it is one
	}
	if err != nil {
		return nil, early(err)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(p.z, data); err != nil {
		return nil, early(err)
	}
	var more [1]byte
	if n, err := io.ReadFull(p.z, more[:]); n > 0 {
		return nil, malformed("an object is larger than it promised")
	} else if !errors.Is(err, io.EOF) {
		return nil, early(err)
	}
	return data, nil
}

func (p *packReader) resolve(ctx context.Context, id [IDSize]byte, delta []byte) (Kind, []byte, error) {
	kind, base, err := p.sink.Base(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	data, err := patch(base, delta, p.limits.Object)
	if err != nil {
		return 0, nil, err
	}
	return kind, data, p.take(int64(len(data)))
}

// end checks the checksum and that nothing follows it.
func (p *packReader) end() error {
	var sum [IDSize]byte
	if _, err := io.ReadFull(p.r, sum[:]); err != nil {
		return early(err)
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(p.r, 1)); err != nil {
		return err
	} else if n > 0 {
		return malformed("something follows the pack")
	}
	if !bytes.Equal(p.tail.sum.Sum(nil), sum[:]) {
		return malformed("the pack's checksum is wrong")
	}
	return nil
}

// early makes the end of input, and data that does not inflate, an error about the
// form; what the connection or a limit on it said stays as it is.
func early(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return malformed("the pack ends early")
	case errors.As(err, &corrupt), errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum),
		errors.Is(err, zlib.ErrDictionary):
		return malformed("an object does not inflate")
	}
	return fmt.Errorf("read pack: %w", err)
}

// tail passes a pack on and sums up all of it but the last bytes, which are the sum.
type tail struct {
	r    io.Reader
	n    int64
	sum  hash.Hash
	held []byte
}

func (t *tail) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	t.held = append(t.held, p[:n]...)
	if extra := len(t.held) - IDSize; extra > 0 {
		t.sum.Write(t.held[:extra]) // a hash takes everything
		t.held = append(t.held[:0], t.held[extra:]...)
	}
	return n, err
}
