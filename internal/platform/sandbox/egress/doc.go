// Package egress is the only way out of a cage: a proxy of ours that listens inside
// while packages are fetched, and at no other time.
//
// Terms. A gate knows which hosts may be reached. A door is the gate opened for one
// cage; closing it cuts what passes. A registry is what a package client is configured
// to fetch from on this machine: hosts come from there and from the operator, none is
// written in code.
//
// Rules. Only CONNECT, only to a host and port on the list, exactly as written there.
// The name is resolved once, here, and what is dialled is what was checked: addresses
// of this machine, of private networks, of links and of clouds' metadata are refused
// unless the operator allowed their network. What then passes must begin as TLS for
// that very name, so that one address of many sites is not a way to all of them. Bytes,
// time and connections are bounded; each decision is logged.
//
// What it cannot do: it does not see into TLS, so a registry on the list is a place
// that words can be carried to. That is why a cage holds no secrets and a door is
// open for as long as packages are fetched.
package egress
