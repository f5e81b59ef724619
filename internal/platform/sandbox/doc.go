// Package sandbox runs programs nobody trusts: what models wrote, what founders
// brought, what package clients fetched. It says what a cage is; a sub-package is
// one way of building it (ns: Linux namespaces), egress the only way out of one, and
// sandboxtest what every way has to hold.
//
// Terms. A cage is a small machine of its own: a folder of files, processes, a
// loopback interface, limits. A driver makes cages. The workspace is the folder in
// which the cage's programs work, seen inside as Workspace; it comes and goes with
// the cage. The inside is what a cage's programs see, the host everything else. A
// report says what a driver enforces on this machine, and what it cannot.
//
// Invariants.
//
//  1. Generated code runs in a cage or not at all. A driver that cannot build one
//     here refuses; nobody falls back to the host.
//  2. A cage begins with nothing of ours: no variable of our environment, no
//     descriptor, no file but its workspace and what Spec names, read-only.
//  3. A cage has no network. Connections cross its wall only as sockets that the
//     host asked for: Dial connects to a port inside, Listen takes what the inside
//     connects to, and package egress is built on Listen.
//  4. What the inside wrote is read by the host through Files only: regular files
//     and folders below the workspace, never what a link or a pipe points to.
//  5. When Exec returns, what its program started has ended with it. After Destroy
//     no process, mount, control group, device, socket or file of the cage is left,
//     and after a kill of our own process a Sweep leaves none.
//  6. Everything is bounded: memory, processor, processes, files, bytes on disk and
//     of output, and time. What a bound stopped says so as an *Error with a Cause.
package sandbox
