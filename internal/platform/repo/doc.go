// Package repo keeps the files of a project and their history as git objects in
// PostgreSQL, moves them between there and folders, and speaks git's smart HTTP. It
// does not know what a repository is of, nor who may see it.
//
// Terms. An object is a commit, tree, blob or tag under the SHA-1 of its content, as
// in git. A ref is a name that points at one; branches (refs/heads/) and tags
// (refs/tags/) are what git clients see, every other ref is the owner's alone. A
// Folder is a directory on this machine that is snapshot into a tree and made equal
// to one again (checkout). An orphan is an object that no ref reaches.
//
// What holds everywhere:
//   - Every statement names the repository. An object is never found by its hash alone.
//   - A stored tree holds folders and plain files only, 100644 or 100755, under names
//     that every system can hold (CheckPath). Links, devices, setuid files and
//     submodules are refused where they come in, so nothing that reads a tree has to
//     think of them.
//   - Objects are written at any time, outside the transaction that makes them count:
//     one that never counts is an orphan, and is swept. Refs move in a transaction of
//     the caller's, by comparing and swapping, under the lock of the repository's row.
//   - What is not reachable from a ref is kept for Grace after it was last stored or
//     snapshot. Whoever needs a tree for longer points a ref at it.
//   - Statements are few and independent of how many files there are: trees are read
//     level by level, blobs in batches bounded by bytes.
//   - Folders are hostile: they are entered through os.Root, nothing in them is
//     followed, and what cannot be kept is reported, not dropped in silence.
package repo
