// Package faultpoint names the places at which tests kill the process.
//
// At("flow.step.after_do") does nothing and costs nothing, unless the program was built
// with the tag fault. Then FAULT=flow.step.after_do:3 ends the process with SIGKILL, as
// hard as a power cut, when it passes that place for the third time. Names are
// package.thing.place, constant strings, each used once in the tree; tests read them,
// and who kills the process there, out of the source, so that a new one cannot be
// forgotten.
package faultpoint
