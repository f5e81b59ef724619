// Command gate reads the results of all jobs from standard input, as GitHub's needs
// context in JSON, and fails unless they let the change pass.
package main

import (
	"fmt"
	"io"
	"os"

	"cofounder/infra/ci"
)

func main() {
	needs, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = ci.Gate(needs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
