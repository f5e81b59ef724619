package wire_test

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"cofounder/internal/platform/repo/wire"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var limits = wire.Limits{Objects: 1000, Object: 1 << 20, Total: 4 << 20}

// shelf is a sink in memory.
type shelf map[[wire.IDSize]byte]item

type item struct {
	Kind wire.Kind
	Data string
}

func (s shelf) sink() wire.Sink {
	return wire.Sink{
		Put: func(_ context.Context, kind wire.Kind, data []byte) ([wire.IDSize]byte, error) {
			id := name(kind, data)
			s[id] = item{kind, string(data)}
			return id, nil
		},
		Base: func(_ context.Context, id [wire.IDSize]byte) (wire.Kind, []byte, error) {
			it, ok := s[id]
			if !ok {
				return 0, nil, wire.ErrNoBase
			}
			return it.Kind, []byte(it.Data), nil
		},
	}
}

func name(kind wire.Kind, data []byte) [wire.IDSize]byte {
	return sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(data)), data...))
}

// packOf builds a pack of raw entries with a right checksum.
func packOf(count int, entries ...[]byte) []byte {
	out := append([]byte("PACK\x00\x00\x00\x02"), binary.BigEndian.AppendUint32(nil, uint32(count))...)
	for _, e := range entries {
		out = append(out, e...)
	}
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}

// entry is an object as it stands in a pack. The size may be a lie.
func entry(kind, size int, extra []byte, data string) []byte {
	var out []byte
	b := byte(kind<<4) | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		out = append(out, b|0x80)
		b = byte(size & 0x7f)
	}
	out = append(append(out, b), extra...)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	io.WriteString(w, data) //nolint:errcheck // memory takes everything
	w.Close()               //nolint:errcheck // likewise
	return append(out, z.Bytes()...)
}

func varint(n int) string {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return string(append(out, byte(n)))
}

func TestReadPackRefusesHostilePacks(t *testing.T) {
	t.Parallel()
	hello := entry(3, 5, nil, "hello")
	back := []byte{byte(len(hello))} // to the object before
	base := name(wire.Blob, []byte("hello"))
	delta := func(from, to int, ops string) string { return varint(from) + varint(to) + ops }
	deltaOn := func(d string) []byte { return packOf(2, hello, entry(6, len(d), back, d)) }
	good := packOf(1, hello)
	bomb := strings.Repeat("\x00", 8<<20)
	cases := map[string]struct {
		pack []byte
		want error // nil: a *LimitError
	}{
		"empty":                      {nil, wire.ErrMalformed},
		"not a pack":                 {[]byte("GIF89a.............................."), wire.ErrMalformed},
		"version 3":                  {[]byte("PACK\x00\x00\x00\x03\x00\x00\x00\x00"), wire.ErrMalformed},
		"cut in its head":            {good[:9], wire.ErrMalformed},
		"cut in an object":           {good[:len(good)-25], wire.ErrMalformed},
		"cut in the sum":             {good[:len(good)-1], wire.ErrMalformed},
		"wrong sum":                  {append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1), wire.ErrMalformed},
		"something after":            {append(bytes.Clone(good), 0), wire.ErrMalformed},
		"fewer objects than said":    {packOf(2, hello), wire.ErrMalformed},
		"more objects than said":     {packOf(1, hello, hello), wire.ErrMalformed},
		"four billion objects":       {packOf(1<<32-1, hello), nil},
		"larger than said":           {packOf(1, entry(3, 5, nil, "hello world")), wire.ErrMalformed},
		"smaller than said":          {packOf(1, entry(3, 50, nil, "hello")), wire.ErrMalformed},
		"a bomb that says so":        {packOf(1, entry(3, len(bomb), nil, bomb)), nil},
		"a bomb that does not":       {packOf(1, entry(3, 10, nil, bomb)), wire.ErrMalformed},
		"many that are large":        {packOf(9, manyTimes(9, entry(3, 1<<20, nil, bomb[:1<<20]))...), nil},
		"a size without end":         {packOf(1, []byte("\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")), wire.ErrMalformed},
		"kind 0":                     {packOf(1, entry(0, 5, nil, "hello")), wire.ErrMalformed},
		"kind 5":                     {packOf(1, entry(5, 5, nil, "hello")), wire.ErrMalformed},
		"not zlib":                   {packOf(1, []byte("\x35garbage garbage")), wire.ErrMalformed},
		"a base from nowhere":        {packOf(1, entry(7, 2, make([]byte, 20), delta(0, 0, ""))), wire.ErrNoBase},
		"a base before the pack":     {packOf(2, hello, entry(6, 2, []byte{0x7f}, delta(5, 0, ""))), wire.ErrMalformed},
		"a base inside an object":    {packOf(2, hello, entry(6, 2, []byte{3}, delta(5, 0, ""))), wire.ErrMalformed},
		"its own base":               {packOf(2, hello, entry(6, 2, []byte{0}, delta(5, 0, ""))), wire.ErrMalformed},
		"an offset without end":      {packOf(2, hello, entry(6, 2, bytes.Repeat([]byte{0xff}, 20), delta(5, 0, ""))), wire.ErrMalformed},
		"a delta for another size":   {deltaOn(delta(6, 1, "\x01x")), wire.ErrMalformed},
		"a delta to a huge size":     {deltaOn(delta(5, 1<<40, "\x01x")), nil},
		"a delta without sizes":      {deltaOn(strings.Repeat("\xff", 30)), wire.ErrMalformed},
		"a delta of nothing":         {deltaOn(""), wire.ErrMalformed},
		"a delta that makes less":    {deltaOn(delta(5, 2, "\x01x")), wire.ErrMalformed},
		"a delta that makes more":    {deltaOn(delta(5, 1, "\x02xy")), wire.ErrMalformed},
		"a delta that copies beyond": {deltaOn(delta(5, 9, "\x91\x03\x09")), wire.ErrMalformed},
		"a delta cut in a copy":      {deltaOn(delta(5, 5, "\x91\x00")), wire.ErrMalformed},
		"a delta cut in an insert":   {deltaOn(delta(5, 5, "\x05ab")), wire.ErrMalformed},
		"instruction zero":           {deltaOn(delta(5, 5, "\x00")), wire.ErrMalformed},
		"a bomb of deltas":           {packOf(101, append([][]byte{hello}, manyDeltas(100, base)...)...), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := wire.ReadPack(t.Context(), bytes.NewReader(c.pack), limits, shelf{}.sink())
			_, limit := errors.AsType[*wire.LimitError](err)
			if c.want == nil && !limit || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got error %v, want %v", err, c.want)
			}
		})
	}
}

func manyTimes(n int, e []byte) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = e
	}
	return out
}

// manyDeltas each blow five bytes up to a hundred thousand.
func manyDeltas(n int, base [wire.IDSize]byte) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		d := varint(5) + varint(100_000) + strings.Repeat("\x90\x05", 20_000)
		out[i] = entry(7, len(d), base[:], d)
	}
	return out
}

// TestReadPackIsBounded sends a pack that promises and inflates to far more than its
// limits. Memory taken must stay near one object's.
func TestReadPackIsBounded(t *testing.T) {
	bomb := packOf(200, manyTimes(200, entry(3, 64<<20, nil, strings.Repeat("\x00", 64<<20)))...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := wire.ReadPack(t.Context(), bytes.NewReader(bomb), wire.Limits{Objects: 1000, Object: 1 << 20, Total: 4 << 20}, shelf{}.sink())
	runtime.ReadMemStats(&after)
	if _, limit := errors.AsType[*wire.LimitError](err); !limit {
		t.Errorf("got error %v, want a limit", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
		t.Errorf("took %d bytes to refuse it", took)
	}
}

// TestPacksOfGit reads what git packs, deltas included, and gives git a pack to read.
func TestPacksOfGit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git := func(stdin string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	git("", "init", "-q")
	want, names := shelf{}, ""
	for i := range 60 {
		text := strings.Repeat(fmt.Sprintf("line %d of a file that changes little\n", i/20), 200) + fmt.Sprint(i)
		id := name(wire.Blob, []byte(text))
		want[id] = item{wire.Blob, text}
		names += git(text, "hash-object", "-w", "--stdin")
	}
	for _, option := range []string{"--delta-base-offset", "--no-delta-base-offset"} {
		pack := git(names, "pack-objects", "--stdout", "-q", option)
		got := shelf{}
		n, err := wire.ReadPack(t.Context(), strings.NewReader(pack), limits, got.sink())
		if err != nil || n != 60 {
			t.Errorf("%s: %d objects, %v", option, n, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", option, diff)
		}
		if len(pack) > 10_000 {
			t.Errorf("%s: the pack has %d bytes, so it holds no deltas and tests nothing", option, len(pack))
		}
	}
	var out bytes.Buffer
	w, err := wire.NewPackWriter(&out, len(want))
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range want {
		if err := w.Add(it.Kind, []byte(it.Data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	git("", "init", "-q")
	git(out.String(), "index-pack", "--stdin", "--strict")
	git("", "fsck", "--strict")
}

// TestPacksRoundTrip writes random objects and reads them back.
func TestPacksRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := shelf{}
		contents := rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 20).Draw(rt, "contents")
		for _, data := range contents {
			kind := rapid.SampledFrom([]wire.Kind{wire.Commit, wire.Tree, wire.Blob, wire.Tag}).Draw(rt, "kind")
			want[name(kind, data)] = item{kind, string(data)}
		}
		var out bytes.Buffer
		w, err := wire.NewPackWriter(&out, len(want))
		if err != nil {
			rt.Fatal(err)
		}
		for _, it := range want {
			if err := w.Add(it.Kind, []byte(it.Data)); err != nil {
				rt.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			rt.Fatal(err)
		}
		got := shelf{}
		if _, err := wire.ReadPack(t.Context(), &out, limits, got.sink()); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestPackWriterCounts(t *testing.T) {
	t.Parallel()
	w, err := wire.NewPackWriter(io.Discard, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(wire.Blob, nil); err != nil {
		t.Fatal(err)
	}
	if w.Close() == nil {
		t.Error("a pack of two objects ended after one")
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := wire.NewLineWriter(&out)
	w.Linef("want %s", "abc")
	w.Linef("")
	w.End()
	if _, err := w.Band().Write(bytes.Repeat([]byte("x"), 70_000)); err != nil {
		t.Fatal(err)
	}
	w.Linef("%s", strings.Repeat("y", 70_000))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r := wire.NewLineReader(bufio.NewReader(&out))
	var got []string
	for {
		line, flush, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %.8s %d", flush, line, len(line)))
	}
	want := []string{"false want abc 8", "false  0", "true  0", "false \x01xxxxxxx 65516", "false \x01xxxxxxx 4486", "false yyyyyyyy 65516"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestLinesRefuse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "00", "zzzz", "0001", "0003", "fff1", "ffff", "0009ab", "-001"} {
		_, _, err := wire.NewLineReader(bufio.NewReader(strings.NewReader(text))).Next()
		if !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%q: error %v, want malformed", text, err)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("0009want\n0000"))
	f.Add([]byte("0004fff0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := wire.NewLineReader(bufio.NewReader(bytes.NewReader(data)))
		read := 0
		for {
			line, flush, err := r.Next()
			if err != nil {
				return
			}
			if read += 4 + len(line); read > len(data) || flush && line != nil {
				t.Fatalf("read %d bytes of %d", read, len(data))
			}
		}
	})
}

func FuzzReadPack(f *testing.F) {
	hello := entry(3, 5, nil, "hello")
	d := varint(5) + varint(7) + "\x90\x05\x02ab"
	f.Add(packOf(2, hello, entry(6, len(d), []byte{byte(len(hello))}, d)))
	f.Add(packOf(1, hello))
	f.Fuzz(func(t *testing.T, data []byte) {
		small := wire.Limits{Objects: 20, Object: 1 << 12, Total: 1 << 14}
		for _, pack := range [][]byte{data, sealed(data)} {
			total, got := 0, shelf{}
			if _, err := wire.ReadPack(t.Context(), bytes.NewReader(pack), small, got.sink()); err != nil {
				continue
			}
			for id, it := range got {
				if total += len(it.Data); id != name(it.Kind, []byte(it.Data)) {
					t.Errorf("an object under a name not its own")
				}
			}
			if int64(total) > small.Total || len(got) > int(small.Objects) {
				t.Errorf("%d bytes in %d objects came through", total, len(got))
			}
		}
	})
}

// sealed gives a mutated pack a right checksum again.
func sealed(data []byte) []byte {
	data = data[:max(len(data)-wire.IDSize, 0)]
	sum := sha1.Sum(data)
	return append(bytes.Clone(data), sum[:]...)
}
