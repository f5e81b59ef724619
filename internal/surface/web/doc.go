// Package web serves the pages: one file per page, routes in routes.go, the HTML
// in view, static files embedded.
//
// Every page and form works without script. htmx adds that parts are replaced in
// place and that one stream per page keeps it up to date; a small script of ours
// adds the palette, keys, the theme, kept text and focus.
//
// A handler reads the request, asks the product and renders; it returns errors
// and knows no SQL and no rule. Errors become pages in problem.go, which httpd
// calls for everything it refuses as well.
//
// The session cookie is __Host- and Secure, so that it reaches nobody but us.
// Browsers keep it over HTTPS and on localhost only; where it cannot work a page
// says so before a sign-in link is used up.
//
// Trusted Types are enforced with two policies: htmx's, made by its extension
// hx-csp, and ours for the service worker's address. They are nominal: htmx's
// policy passes on what it is given, so that they stop scripts of others that use
// a dangerous sink, not markup that reaches htmx. What protects that is the
// content security policy, which runs no inline script, and that templ escapes
// everything. hx-csp lets htmx act only on
// elements that carry the nonce of the response they came with; that nonce is
// announced in script-src-attr, where it permits no script to run (nonces never
// apply to attributes).
package web
