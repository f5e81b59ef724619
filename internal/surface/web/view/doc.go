// Package view draws pages: pure functions from view models to HTML, one page
// per file. It reads no request, no database and no clock, and knows no rule;
// what a page may show is decided before it gets here.
//
// Terms. A Shell is what every page shares; a Form is what was typed and what is
// wrong with it. Text on the screen uses the words of the product's own table:
// project, team, access key, reference.
//
// The strict content security policy allows no inline script and no inline
// style; there is none here. Elements that htmx acts on carry the response's
// nonce, which hx-csp checks.
//
//nolint:godoclint // each generated file has a version line, which counts as another
package view
