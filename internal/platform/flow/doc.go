// Package flow runs work that survives anything: a crash, a deploy, a database that
// was away, a founder who answers next week. It knows nothing of what is done.
//
// Terms. A run is one piece of work of a kind, a graph that grows as it goes. A node is
// one stretch of it that a worker does in one go; how it ends (Outcome) says what
// follows: another node, branches and the node that joins them, a wait, the end. A step
// is the smallest thing that is never done twice: its result is recorded under a key
// that names it ("turn/3", "tool/toolu_01…"), never by position, so that a newer program
// with another order of code can go on with a node that an older one began. A claim is a
// worker's right to a node; each has a new epoch, and every write for a node begins by
// locking it at that epoch: the fence. River delivers: a node that may be worked on is a
// job in its queue. What has no run (mail, sweeps, nightly checks) is a plain job.
//
// Invariants.
//
//   - A step, what its commit adds (ledger, events, rows of the product) and nothing else
//     is one transaction. So are the end of a node, the state of its run and the nodes
//     that follow. What is finished is neither lost nor done again.
//   - Of all claims of a node only the newest can write. One that lost its node can
//     neither record nor, since reserving asks too, spend.
//   - A run that waits holds no slot, no goroutine and, unless kept, no token.
//   - Runs are served in the order of the time they became ready plus the offset of
//     their starter's tier; a run keeps that place until it waits or ends, so that what
//     began is finished before something new begins. Limits hold at every instant: only
//     one process at a time hands out nodes, and a token is a row of the run that has it.
//   - Time that processes must agree on is the database's.
//   - A run whose kind or node nobody alive knows stays in line; it never fails for that.
//
// Locks are taken in the order run, nodes by id, then what the product adds; a commit
// that is undone because somebody did otherwise is tried again. Liveness: a worker beats every second,
// counts as dead after five, and stops its own work after four without a beat, whatever
// its clock says. A session that sits in a transaction for four seconds loses it
// (db.IdleInTransaction), so a stopped process keeps no lock.
package flow
