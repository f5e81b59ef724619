// Package hosting keeps built apps running.
package hosting
