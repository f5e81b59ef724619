package hosting

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"cofounder/internal/platform/sandbox"
)

// probe asks for the app's first page until it is answered, with whatever status, or
// ctx ends.
func probe(ctx context.Context, cage sandbox.Cage) bool {
	tick := time.NewTicker(probeGap)
	defer tick.Stop()
	for {
		if answers(ctx, cage) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context, cage sandbox.Cage) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := cage.Dial(ctx, Port)
	if err != nil {
		return false
	}
	defer conn.Close() //nolint:errcheck // it was only asked
	if err := conn.SetDeadline(now().Add(probeTime)); err != nil {
		return false
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // it ends at the first deadline then
	defer stop()
	host := net.JoinHostPort("127.0.0.1", strconv.Itoa(Port))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+host+"\r\nUser-Agent: cofounder-probe\r\nConnection: close\r\n\r\n"); err != nil {
		return false
	}
	const mostHeader = 64 << 10
	res, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, mostHeader)), nil)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil
}
