// Package importtest holds the tree to its floors: imports point down only, a
// package that is not in the table has no place yet and fails, and every package
// says what it is for. The pages of the tree are held to it as well: their links
// lead somewhere, and what came from others is named.
//
// The table is in floors_test.go; ARCHITECTURE.md draws it. The test parses the
// imports itself instead of asking go list, because the test cache knows which
// files a test has opened and nothing of what a command it ran has read.
package importtest
