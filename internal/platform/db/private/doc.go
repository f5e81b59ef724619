// Package private runs a PostgreSQL of our own, for a machine where nobody set
// DATABASE_URL. It finds installed server programs, makes a cluster (the word
// for PostgreSQL's folder of databases) in the data folder, starts it and finds
// it again.
//
// What callers rely on:
//
//   - The server outlives us. It is started in a session of its own and stays
//     when our process exits or is killed; the next Start attaches to it. Any
//     number of our processes share it. Stop stops it.
//   - Nothing is half-made. A cluster is created beside its place and renamed; a
//     restore fills a new database and swaps names; a backup appears whole.
//   - A committed write survives kill -9 of us and of the server, and the power
//     (fsync and synchronous_commit are on, pages carry checksums).
//   - Nobody else gets in. The server has no port. Its socket is in a folder of
//     mode 0700; whoever reaches it must be root or the server's own user by the
//     word of the kernel ("peer"), so there is no password to keep: those two can
//     read the files anyway. The product connects as the user "cofounder", who
//     owns one database and is no superuser.
//   - As root we lend the server an unprivileged user, since PostgreSQL does not
//     run as root: the owner of an existing cluster, else "cofounder", "postgres"
//     or "nobody". Every program of PostgreSQL, also pg_dump, runs as that user
//     and with an empty environment.
//   - Errors are one line that says what to do.
//
// The data folder holds, of ours:
//
//	pg/             the cluster, mode 0700, of the server's user; the socket too,
//	                unless its path would be longer than a socket's may be
//	pg.new-*/       a cluster being made; left by a crash, removed by the next start
//	pg.lock         held while a process starts, stops or restores
//	pg.running      held by every process of the server: free means none is alive,
//	                which no process id can tell for certain
//	pg.stopped      there is one when Stop was the last word; keeps Watch quiet
//	pg.log, .1      what the server says, without statements or values, capped
//	pg.hba, .ident  who may connect
//	pgsql/bin/      optional: server programs to prefer
package private
