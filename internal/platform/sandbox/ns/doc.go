// Package ns builds cages from namespaces, Landlock, seccomp and control groups of the
// Linux kernel, in Go alone: there is nothing to install. A cage shares the host's
// kernel.
//
// The program starts itself again as the first process of each cage, so every program
// that uses this package calls Init before anything else in main; test programs do so
// through sandboxtest.
//
// As root each cage has a user of its own on the host, its disk is an image of a file
// system that never has a name or a mount on the host, and control groups hold its
// limits. Without root the cage's user is ours, disk and memory are watched, and
// what the kernel cannot do is said in the Report.
//
// What has to be cleaned up after a kill of our process is little by construction:
// processes end with the line to us, mounts with the processes, the image and its loop
// device with the mount, a user's number with the lock on it. What is left, a folder
// and control groups, Sweep removes.
package ns
