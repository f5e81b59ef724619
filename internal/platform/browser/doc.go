// Package browser looks at running apps as a person would: headless Chromium in a cage
// of its own, never in the app's, that reaches nothing but the one app it was opened
// for.
//
// Terms. A session is one browser on one app. A look is one page seen: its picture, its
// words, what went wrong while it loaded. A walk is a list of steps (open, fill in,
// press, select, expect), with a picture after each. A verdict on blankness says whether
// there is anything to see.
//
// Invariants.
//
//   - Pages are hostile. Each session has a fresh Chromium, a fresh cage and a fresh
//     profile; nothing of one session is seen by another. What comes out is bounded in
//     size and number, and is text or a decoded picture.
//   - The cage has no network. The app answers on one port of its loopback, through
//     sockets the host passes; every other request fails, and is reported.
//   - Nothing waits for ever: each step has its time, each session its life.
//   - Where there is no Chromium or no cage, the answer is ErrAbsent, "not looked at",
//     which is never "passed".
package browser
