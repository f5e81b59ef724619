// Package event keeps append-only streams of what happened, and tells whoever
// follows one within milliseconds of the commit, in any process.
//
// Terms: a stream is any id; an event has a sequence in its stream, a kind, an
// instant and data in JSON; a cursor is the sequence of the last event somebody
// has seen, 0 before the first; the floor of a stream is the last sequence that is
// no longer kept; a hub is what a process follows streams through; to wake is to
// tell that something was committed.
//
// Invariants. The sequences of a stream are 1, 2, 3 … without a gap or a double,
// and their order is the order of the commits, over all processes. An append takes
// its sequences from the stream's own row, which stays locked until the
// transaction ends: the next append waits, and sees either the new count after a
// commit or the old one after a rollback. So whoever sees an event sees all before
// it, and "everything after my cursor" misses nothing. The price is that appends to
// one stream are one behind the other from AppendTx to the commit. Append last,
// and, in a transaction with several streams, in the order of their ids (as with
// all locks).
//
// An event is what was committed together with it. A wake-up is only a hint that
// saves waiting: it is sent after the commit, at most every 50 ms from a process
// (NOTIFY inside each transaction cost 60 % of the throughput when measured), and
// may be lost. Every hub also looks by itself, each second, and four times a second
// while it cannot listen.
//
// Trim removes what is old and raises the floor. A cursor below the floor is
// answered with a reset: read the present state anew, go on from there. A cursor
// above the newest sequence, left over from before a backup was restored, is
// answered the same way.
//
// Streams have no owner here and no reader is checked: whoever hands out a stream
// has made sure that it may be seen. Name streams by ids that were looked up within
// the workspace of the one who asks, never by what a request says.
//
// An event says what happened and names the thing. It is no place for what is long
// (MaxData) or secret, since it is shown to everybody who may see the stream.
package event
