// Package hosting keeps built apps running: it starts them in cages when somebody
// asks for them, stops them when nobody does, and keeps their data.
//
// Terms. An app is code under a start command in a slot of a project; its label
// names it to browsers. Its code is named in the caller's words and fetched when it is
// needed. A data set is what an app keeps between starts: the files below its data
// folder. An instance is an app that runs here. Its owner is the process that holds
// the lease on it.
//
// Invariants.
//
//  1. Of one app at most one instance keeps data at any time, over all processes and
//     machines. Who starts it claims a lease by the database's clock, which counts its
//     epoch up; every write to the app's row or data names the epoch and is refused
//     when another came since. An owner that cannot renew its lease kills the instance
//     before the lease is over.
//  2. A data set is written by one app. What was saved last is whole: pieces are
//     written first, then the list that names them, in one transaction with the check
//     of the epoch.
//  3. Apps run in a cage or not at all.
//  4. A process that dies takes its cages with it; the next request to any process
//     claims the app once the lease is over, five seconds later at most, and starts
//     it with the data saved last.
//  5. Nothing an app wrote is shown as it came: output is plain text and bounded, and
//     reasons are ours.
//
// An app is told PORT, where it must answer HTTP on 127.0.0.1, and DATA_DIR, the
// folder that is kept.
package hosting
