package account

import "sync/atomic"

// FreeHashing makes hashes cost next to nothing, for tests of many.
func (a *Accounts) FreeHashing() {
	a.hasher.cost = cost{memory: 8, time: 1, threads: 1}
	a.hasher.nobody = phc{cost: a.hasher.cost, salt: random(saltBytes), key: random(keyBytes)}.String()
}

// CountHashing returns a counter of the hashes derived from now on.
func (a *Accounts) CountHashing() *atomic.Int64 {
	var n atomic.Int64
	derive := a.hasher.derive
	a.hasher.derive = func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		n.Add(1)
		return derive(password, salt, time, memory, threads, keyLen)
	}
	return &n
}

// OnHash calls do before each hash is derived from now on.
func (a *Accounts) OnHash(do func()) {
	derive := a.hasher.derive
	a.hasher.derive = func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		do()
		return derive(password, salt, time, memory, threads, keyLen)
	}
}

// Cost returns the memory and passes one hash takes.
func (a *Accounts) Cost() (memory, time uint32) { return a.hasher.cost.memory, a.hasher.cost.time }
