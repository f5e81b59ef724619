package repo

import (
	"container/heap"
	"context"
	"fmt"
	"maps"
	"slices"
)

// node is what the graph knows of a commit.
type node struct {
	tree    Hash
	parents []Hash
	at      int64 // when it was committed
}

// graph is every commit of a repository, orphans too.
type graph map[Hash]node

const graphSQL = `SELECT oid, kind, size, data FROM repo_object WHERE repo_id = $1 AND kind = 1`

// graph reads the whole history with one statement: a few dozen bytes a commit.
func (s *Store) graph(ctx context.Context, db querier, id ID) (graph, error) {
	g := graph{}
	err := s.rows(ctx, db, func(o object) error {
		c, err := decodeCommit(o.hash, o.data)
		if err != nil {
			return fmt.Errorf("read commit %s: %w", o.hash, err)
		}
		g[o.hash] = node{tree: c.Tree, parents: c.Parents, at: c.Committer.At.Unix()}
		return nil
	}, graphSQL, id)
	return g, err
}

// walk calls f once for each commit reachable from the tips, nearest first; depth
// counts from 1, and f says whether to go on to the parents.
func (g graph) walk(tips []Hash, f func(h Hash, depth int) bool) {
	seen := map[Hash]bool{}
	for depth := 1; len(tips) > 0; depth++ {
		var next []Hash
		for _, h := range tips {
			n, ok := g[h]
			if !ok || seen[h] {
				continue
			}
			seen[h] = true
			if f(h, depth) {
				next = append(next, n.parents...)
			}
		}
		tips = next
	}
}

// reachable returns the tips and everything they came from.
func (g graph) reachable(tips []Hash) map[Hash]bool {
	found := map[Hash]bool{}
	g.walk(tips, func(h Hash, _ int) bool {
		found[h] = true
		return true
	})
	return found
}

// descends reports whether to has from in its history.
func (g graph) descends(to, from Hash) bool {
	found := false
	g.walk([]Hash{to}, func(h Hash, _ int) bool {
		found = found || h == from
		return !found
	})
	return found
}

// newestFirst orders what is reachable from tip by time, children before parents.
func (g graph) newestFirst(tip Hash) []Hash {
	children := map[Hash]int{}
	for h := range g.reachable([]Hash{tip}) {
		for _, p := range slices.Compact(slices.Clone(g[h].parents)) {
			children[p]++
		}
	}
	ready := &byTime{g: g, list: []Hash{tip}}
	var out []Hash
	for ready.Len() > 0 {
		h := heap.Pop(ready).(Hash) //nolint:errcheck // byTime holds nothing else
		out = append(out, h)
		for _, p := range slices.Compact(slices.Clone(g[h].parents)) {
			if children[p]--; children[p] == 0 && g.has(p) {
				heap.Push(ready, p)
			}
		}
	}
	return out
}

func (g graph) has(h Hash) bool { _, ok := g[h]; return ok }

// byTime is a heap of commits, the newest on top.
type byTime struct {
	g    graph
	list []Hash
}

func (b *byTime) Len() int      { return len(b.list) }
func (b *byTime) Swap(i, j int) { b.list[i], b.list[j] = b.list[j], b.list[i] }
func (b *byTime) Push(h any)    { b.list = append(b.list, h.(Hash)) } //nolint:errcheck // see Pop
func (b *byTime) Pop() any {
	last := b.list[len(b.list)-1]
	b.list = b.list[:len(b.list)-1]
	return last
}

func (b *byTime) Less(i, j int) bool {
	x, y := b.g[b.list[i]].at, b.g[b.list[j]].at
	if x != y {
		return x > y
	}
	return b.list[i].String() < b.list[j].String()
}

// keys lists a set.
func keys(set map[Hash]bool) []Hash { return slices.Collect(maps.Keys(set)) }
