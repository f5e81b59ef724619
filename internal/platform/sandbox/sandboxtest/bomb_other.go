//go:build !linux

package sandboxtest

import "errors"

func bomb([]string) error { return errors.New("bombs are for Linux") }
