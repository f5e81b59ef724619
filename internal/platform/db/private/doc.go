// Package private runs a PostgreSQL of our own, for a machine that has none.
package private
