package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// dialThrough asks a proxy of this machine for a connection.
func dialThrough(ctx context.Context, proxy *url.URL, host string) (net.Conn, error) {
	conn, err := dialProxy(ctx, proxy)
	if err != nil {
		return nil, fmt.Errorf("reach this machine's proxy: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	var through net.Conn
	if err == nil {
		through, err = connect(conn, proxy, host)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask this machine's proxy for %s: %w", host, err), conn.Close())
	}
	return through, nil
}

// dialProxy connects to the proxy itself, which the operator chose.
func dialProxy(ctx context.Context, proxy *url.URL) (net.Conn, error) {
	port := proxy.Port()
	switch {
	case port != "":
	case proxy.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	address := net.JoinHostPort(proxy.Hostname(), port)
	switch proxy.Scheme {
	case "http":
		var dialer net.Dialer
		return dialer.DialContext(ctx, "tcp", address)
	case "https":
		dialer := tls.Dialer{Config: &tls.Config{ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12}}
		return dialer.DialContext(ctx, "tcp", address)
	}
	return nil, fmt.Errorf("a proxy with %q is not supported", proxy.Scheme)
}

func connect(conn net.Conn, proxy *url.URL, host string) (net.Conn, error) {
	request := "CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n"
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
		request += "Proxy-Authorization: Basic " + credentials + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", answer.Status)
	}
	if reader.Buffered() > 0 {
		return nil, errors.New("it spoke before it was asked")
	}
	return conn, nil
}
