// Package db opens PostgreSQL, runs transactions and brings the schema up to
// date. It knows nothing of what is stored.
//
// Terms: the pool is the one way to the database, made by Open and passed down;
// a transaction is one call of InTx; a migration is one numbered SQL file that
// runs once, forward only, in a transaction of its own.
//
// What holds everywhere: times are stored and read in UTC; isolation is
// PostgreSQL's default, read committed, and what must not interleave locks the
// rows it decides on, in the order of their ids; a session that sits in a
// transaction without talking is ended by the server after IdleInTransaction,
// so that a stopped process cannot keep locks.
//
// Sub-packages: private runs a PostgreSQL of our own for a single machine,
// dbtest gives each test a database of its own.
package db
