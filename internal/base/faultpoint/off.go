//go:build !fault

package faultpoint

// At does nothing.
func At(string) {}
