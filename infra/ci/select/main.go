// Command select writes which jobs the change between two commits needs:
//
//	go run ./infra/ci/select BASE HEAD >>"$GITHUB_OUTPUT"
//
// It says on standard error what it looked at.
package main

import (
	"context"
	"fmt"
	"os"

	"cofounder/infra/ci"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: select BASE HEAD")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "select:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, base, head string) error {
	paths, err := ci.Changed(ctx, ".", base, head)
	if err != nil {
		return err
	}
	for _, p := range paths {
		fmt.Fprintf(os.Stderr, "%q\n", p)
	}
	_, err = ci.Select(paths).WriteTo(os.Stdout)
	return err
}
