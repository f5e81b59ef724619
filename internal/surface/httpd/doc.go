// Package httpd is the HTTP edge: the server's life from listening to draining,
// the middleware in front of every page and API call, the one place where a
// fault becomes a status, health and metrics, and event streams.
//
// Handlers are HandlerFuncs: they return errors and never write one themselves.
// They are registered on a Mux, which answers what nothing matches the same way.
//
// The order of the middleware, outermost first, and why:
//
//  1. exchange: request id, client address, response recorder. Everything below
//     can name the request and see what was answered.
//  2. access: one log line and one measurement per request, also for those that
//     are refused or panic below.
//  3. panic: becomes a 500 with a debug id. Above all that could panic.
//  4. sites: requests for the name of another site served here leave, and meet
//     nothing of what follows.
//  5. health: /livez, /readyz and /metrics answer here, under any Host, since a
//     balancer probes by address.
//  6. security headers: on every answer from here on, errors included.
//  7. text: an address that is not UTF-8, or holds control characters, is 400
//     before anything reads it.
//  8. host: an unknown Host is 421. Below it, Host can be trusted, which stops
//     DNS rebinding. Static files are the same for everybody and answer under
//     any Host, so that the page that says so can be drawn.
//  9. cross-origin protection: a browser's write from another site is 403.
//
// 10. limits: 1 MB of body, 30 s for the whole request.
package httpd
