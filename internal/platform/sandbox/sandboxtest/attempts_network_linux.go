package sandboxtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// networkAttempts reach for anything that is not in the cage.
func networkAttempts() []attempt {
	const reached = "a connection"
	dial := func(network string, address func(target) string) func(target) (string, error) {
		return func(t target) (string, error) {
			conn, err := net.DialTimeout(network, address(t), 2*time.Second)
			if err != nil {
				return "", err
			}
			return address(t), conn.Close()
		}
	}
	fixed := func(address string) func(target) string { return func(target) string { return address } }
	all := []attempt{
		{"the host's loopback", reached, dial("tcp", func(t target) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(t.TCP4)) }), true},
		{"the host's loopback, version 6", reached, dial("tcp", func(t target) string { return net.JoinHostPort("::1", strconv.Itoa(t.TCP6)) }), true},
		{"the host's abstract socket", reached, dial("unix", func(t target) string { return t.Abstract }), true},
		{"the host's socket in a folder", reached, dial("unix", func(t target) string { return t.Socket }), true},
		{"sockets of services", reached, func(target) (string, error) {
			for _, name := range []string{"/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/journal/stdout", "/dev/log", "/run/postgresql/.s.PGSQL.5432"} {
				if conn, err := net.DialTimeout("unix", name, time.Second); err == nil {
					return name, conn.Close()
				}
			}
			return "", errNothing
		}, false},
		{"the metadata of a cloud", reached, dial("tcp", fixed("169.254.169.254:80")), false},
		{"the metadata of a cloud, version 6", reached, dial("tcp", fixed("[fd00:ec2::254]:80")), false},
		{"the Internet", reached, dial("tcp", fixed("1.1.1.1:443")), false},
		{"the local network", reached, dial("tcp", fixed("192.168.0.1:80")), false},
		{"names", "an answer", func(target) (string, error) {
			found, err := net.LookupHost("example.com")
			return got(err, fmt.Sprint(found))
		}, false},
		{"a packet to a name server", "a packet on its way", func(target) (string, error) { return packet("8.8.8.8:53") }, false},
		{"a packet to everybody", "a packet on its way", func(target) (string, error) { return packet("255.255.255.255:9") }, false},
		{"a packet to the host", "a packet that the host counts", func(t target) (string, error) {
			where, err := packet(net.JoinHostPort("127.0.0.1", strconv.Itoa(t.UDP)))
			if err == nil {
				// To the cage's own loopback it may go; the host counts what it gets.
				err = fmt.Errorf("sent to %s of the cage", where)
			}
			return "", err
		}, false},
		{"other interfaces", "one that is not the loopback", func(target) (string, error) {
			found, err := net.Interfaces()
			if err != nil {
				return "", err
			}
			for _, i := range found {
				if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
					return i.Name, nil
				}
			}
			return "", errNothing
		}, false},
		{"change the network", "an interface taken down", func(target) (string, error) {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return "", err
			}
			request, err := unix.NewIfreq("lo")
			if err != nil {
				return "", err
			}
			return got(unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request), "lo is down")
		}, false},
		{"every family of sockets", "one that is neither unix, TCP, UDP nor route", families, false},
		{"every protocol of netlink", "one that is not route", func(target) (string, error) {
			for protocol := 1; protocol < 40; protocol++ {
				if _, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, protocol); err == nil {
					return fmt.Sprint("netlink ", protocol), nil
				}
			}
			return "", unix.EPROTONOSUPPORT
		}, true},
		{"other protocols over the Internet", "a socket", func(target) (string, error) {
			for _, kind := range []int{unix.SOCK_RAW, unix.SOCK_DGRAM, unix.SOCK_STREAM, unix.SOCK_SEQPACKET} {
				for protocol := 1; protocol < 300; protocol++ {
					if protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_UDP {
						continue
					}
					if _, err := unix.Socket(unix.AF_INET, kind, protocol); err == nil {
						return fmt.Sprintf("protocol %d, kind %d", protocol, kind), nil
					}
				}
			}
			return "", unix.EPROTONOSUPPORT
		}, true},
		{"the proxy while no packages are fetched", reached, dial("tcp", fixed("127.0.0.1:3128")), false},
	}
	return all
}

// packet sends one.
func packet(to string) (string, error) {
	conn, err := net.DialTimeout("udp", to, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "canary")
	return got(err, to)
}

// families asks for every family of sockets there is, vsock among them, which no
// namespace keeps from the hypervisor.
func families(target) (string, error) {
	for family := range 64 {
		switch family {
		case unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK:
			continue
		}
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET} {
			_, err := unix.Socket(family, kind, 0)
			if !errors.Is(err, unix.EAFNOSUPPORT) {
				return fmt.Sprintf("family %d, kind %d: %v", family, kind, err), nil
			}
		}
		if _, err := unix.Socketpair(family, unix.SOCK_STREAM, 0); !errors.Is(err, unix.EAFNOSUPPORT) {
			return fmt.Sprintf("a pair of family %d: %v", family, err), nil
		}
	}
	return "", unix.EAFNOSUPPORT
}
