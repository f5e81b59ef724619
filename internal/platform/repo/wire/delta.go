package wire

// patch applies a delta to its base. Nothing is taken from the delta unchecked: the
// result has exactly the promised size, which is at most limit.
func patch(base, delta []byte, limit int64) ([]byte, error) {
	from, delta, err := deltaSize(delta)
	if err != nil {
		return nil, err
	}
	to, delta, err := deltaSize(delta)
	if err != nil {
		return nil, err
	}
	if from != uint64(len(base)) {
		return nil, malformed("a delta is for a base of %d bytes, its base has %d", from, len(base))
	}
	if to > uint64(max(limit, 0)) {
		return nil, &LimitError{What: "bytes of one object", Max: limit}
	}
	out := make([]byte, 0, to)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		var piece []byte
		switch {
		case op&0x80 != 0:
			if piece, delta, err = copied(base, op, delta); err != nil {
				return nil, err
			}
		case op == 0:
			return nil, malformed("a delta has an instruction nobody defined")
		case int(op) > len(delta):
			return nil, malformed("a delta ends early")
		default:
			piece, delta = delta[:op], delta[op:]
		}
		if uint64(len(out)+len(piece)) > to {
			return nil, malformed("a delta makes more than it promised")
		}
		out = append(out, piece...)
	}
	if uint64(len(out)) != to {
		return nil, malformed("a delta makes less than it promised")
	}
	return out, nil
}

// copied reads the arguments of a copy instruction: its low four bits say which
// bytes of the offset follow, the next three which bytes of the length.
func copied(base []byte, op byte, delta []byte) (piece, rest []byte, err error) {
	var offset, length uint32
	for i := range 7 {
		if op&(1<<i) == 0 {
			continue
		}
		if len(delta) == 0 {
			return nil, nil, malformed("a delta ends early")
		}
		if i < 4 {
			offset |= uint32(delta[0]) << (8 * i)
		} else {
			length |= uint32(delta[0]) << (8 * (i - 4))
		}
		delta = delta[1:]
	}
	if length == 0 {
		length = 0x10000
	}
	end := uint64(offset) + uint64(length)
	if end > uint64(len(base)) {
		return nil, nil, malformed("a delta copies from outside its base")
	}
	return base[offset:end], delta, nil
}

// deltaSize reads one of the two sizes a delta begins with.
func deltaSize(delta []byte) (size uint64, rest []byte, err error) {
	for i, b := range delta {
		if i == 9 {
			break
		}
		size |= uint64(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			return size, delta[i+1:], nil
		}
	}
	return 0, nil, malformed("a delta's size does not end")
}
