// Package build turns a decided option into a running product that is proved to work.
//
// Terms. A build is one run of the graph: the architect writes a step plan; for each
// plan step the coder writes, the executor checks, the debugger mends what is red, the
// reviewer reads with fresh eyes and a commit keeps what is green; at the end the
// verifier gathers evidence from a clean checkout and the committer names the version.
// A conversation is one model's turns at one node; it is never continued by another.
// A failure's signature is its error and place, without what changes from run to run.
//
// Invariants.
//
//   - Which node comes next is decided by Next, a pure function of what is stored. A
//     model reports; it never decides.
//   - A build is ready only if the verifier proved the very tree that becomes the
//     version. No cap, limit, provider error, end or answer of the founder leads there.
//   - Every way through the graph ends, or waits for the founder. Its limits are the
//     constants of graph.go and stand nowhere else.
package build
