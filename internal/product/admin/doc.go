// Package admin is what whoever runs an installation sees of all teams, and what they may
// do there.
//
// Terms. A desk is where they sit. An action is something done to what belongs to others:
// ending a run, trying it again, replaying a node; or to the queue that all work goes
// through, or to the models that the key of the installation pays for. An audit entry says who did what to what, why and when.
//
// Invariants.
//
//   - Nobody but operators gets an answer; all others are told fault.Forbidden.
//   - No action without a reason, and no action without its audit entry: both are one
//     transaction. Entries are never changed or removed.
//   - What founders and models said is not read here: runs come without their inputs,
//     outputs, answers and the bodies of messages. What is shown are the words of handlers:
//     details, which are written for the founder, and errors, in which a tool or a
//     provider may be quoted.
//   - A replay keeps what was paid for, unless the operator says in words to pay again.
package admin
