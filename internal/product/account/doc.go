// Package account knows who people are and what they may do: users, sessions,
// API tokens, workspaces with their members, invitations and passkeys.
//
// Terms. A user is a person. A workspace (on screen: team) owns projects; a user
// is its owner, member or viewer. A session is one signed-in browser. An Actor is
// who asks, in which workspace, with which role; every product method takes one
// and every query is filtered by it. The operator runs the installation; the
// first account is one.
//
// Invariants. Secrets (passwords, session, link and token secrets) are stored
// only as hashes and returned once. A workspace always has an owner. Someone
// else's object and one that does not exist are told apart by nobody: both are
// fault.NotFound. Sign-in takes the same time and gives the same answer whether
// the address is known or not.
//
// Locks are taken in one order: the user's row, then workspaces by id, then what
// belongs to them.
//
// Guessing passwords. Tries are counted in windows of a quarter of an hour, and no
// wait is longer: five of one network at one account, fifty of one network at all
// accounts, thirty of all networks at one account. The last would let anybody with
// many addresses lock somebody out, so it spares the networks from which the user
// signed in within ninety days. The trade: whoever attacks keeps the user from signing
// in with the password at a place they have not been, though not with a passkey or a
// link, and in return gets thirty guesses in a quarter of an hour. Behind one address
// (an office, a mobile network) fifty failures of one person make everybody there wait
// a quarter of an hour at most; being right takes back that try alone. Starting to
// sign in with a passkey asks nothing of anybody, so it is bounded for all together.
package account
