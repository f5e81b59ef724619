// Package client talks to anything that speaks the Messages API. Only meter and app
// import it: everybody else is handed a *meter.Model, so that no token is unmetered.
//
// Terms. A call is made of attempts. An attempt that fails is told to its ticket at
// once; the one that answers hands its ticket back. Patience is the time a call may
// lose without an answer flowing: waiting between attempts and attempts that came to
// nothing. A watchdog ends an attempt that stands still. A breaker keeps a whole
// process from asking an endpoint that just failed many times.
//
// What is tried again, and after how long, is notes of others' incidents turned into
// rules; they are all in retry.go. What a broken attempt is accounted as is in
// account.go. Nothing is read from the environment but, by the transport New makes,
// the customary proxy settings; no redirect is followed, and a key goes to its
// endpoint's base URL only.
package client
