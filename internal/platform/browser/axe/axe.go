// Package axe carries axe-core, which finds what keeps people from using a page.
package axe

import _ "embed"

// Script is axe-core 4.14.1 (MPL-2.0, licence beside it), to be evaluated in a page.
//
//go:embed axe.min.js
var Script string
