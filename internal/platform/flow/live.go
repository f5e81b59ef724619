package flow

import (
	"context"
	"maps"
	"sync"
)

// claim is a node this process holds, or is about to.
type claim struct {
	epoch  int64 // 0 before it was claimed
	cancel context.CancelCauseFunc
}

// live knows the nodes of this process.
type live struct {
	mu     sync.Mutex
	claims map[NodeID]*claim
}

// add notes a node before it is claimed, so that whoever finds it claimed in the
// database finds it here too. It is false when this process has it already.
func (l *live) add(n NodeID, c *claim) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, twice := l.claims[n]; twice {
		return false
	}
	l.claims[n] = c
	return true
}

func (l *live) claimed(c *claim, epoch int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.epoch = epoch
}

func (l *live) remove(n NodeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.claims, n)
}

// snapshot returns the epochs of all nodes that are here, 0 for those about to be.
func (l *live) snapshot() map[NodeID]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	epochs := make(map[NodeID]int64, len(l.claims))
	for n, c := range maps.All(l.claims) {
		epochs[n] = c.epoch
	}
	return epochs
}

// none reports whether no node is here.
func (l *live) none() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.claims) == 0
}

// stop ends one node if it is still held at this epoch.
func (l *live) stop(n NodeID, epoch int64, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.claims[n]; ok && c.epoch == epoch {
		c.cancel(why)
	}
}

// cancel ends all nodes of this process.
func (l *live) cancel(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.claims {
		c.cancel(why)
	}
}
