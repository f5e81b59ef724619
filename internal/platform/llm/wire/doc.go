// Package wire is the server's side of the Messages API: it reads requests, refuses
// what the real API refuses, and writes answers, whole or as a stream of events.
// Whatever plays a model here, scripted for tests or built in for demonstration,
// stands on it and decides only what to say.
//
// The rules are those of the 5.5 family as of November 2026: no prefilled turn, no
// sampling parameters, no forced tool, thinking that is signed together with
// everything before it, schemas within what the grammar engine takes.
package wire
