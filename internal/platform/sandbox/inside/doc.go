// Package inside is the first process of a cage: our own program once more, started
// in new namespaces. It builds the cage around itself, gives up every right it had,
// and then starts and reaps programs, connects and listens, as the host asks over
// the line of package wire. It ends with the line, and everything in the cage ends
// with it, because it is process 1 there.
//
// The order of building matters and is the one in build: what comes later would be
// forbidden by what came before, or leave a moment in which something is open.
//
// It runs among hostile processes under the same user. What protects it: process 1
// takes no signals from its own namespace, it cannot be traced or looked into (not
// dumpable), and it reads nothing that they write but /proc.
package inside
