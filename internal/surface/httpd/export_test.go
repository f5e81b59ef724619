package httpd

import (
	"net"
)

// UseListener makes Run serve l instead of listening.
func (s *Server) UseListener(l net.Listener) { s.listeners = []net.Listener{l} }
