package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// naiveName is the argument that makes this program a naive server: the positive
// control of p12, without which a measurement that shows no failures would prove
// nothing. It knows nothing of signals, so SIGTERM ends it at once.
const naiveName = "serve-naively"

func naive(stderr io.Writer) int {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the process
	if err != nil {
		say(stderr, "%v", err)
		return 1
	}
	say(stderr, `{"msg":"serving","addr":%q}`, l.Addr())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		if err := http.NewResponseController(w).Flush(); err == nil {
			<-r.Context().Done()
		}
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		w.WriteHeader(http.StatusCreated)
		say(w, `{"id":"naive-%d"}`, time.Now().UnixNano())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { say(w, "{}") })
	server := http.Server{Handler: mux, ReadHeaderTimeout: 2 * time.Minute}
	return fail(stderr, server.Serve(l))
}

// fail prints err and returns the exit code for it.
func fail(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintln(stderr, err) //nolint:errcheck // nobody is left to tell
	return 1
}
