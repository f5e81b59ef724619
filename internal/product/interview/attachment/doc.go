// Package attachment keeps the files a founder gives with an idea: text, pictures, PDFs.
//
// Terms. The kind follows from the bytes, never from the name or from what a client
// says. What is heard of a file is the text that later work uses: the content of a text,
// and of a picture or PDF what a model found in it once.
//
// Invariants. A file is what Look says or is refused. Its bytes are kept as they came, a
// text in UTF-8, and are never shown by us in a page: they leave as a download only. Nothing here opens
// a PDF, because a program that reads them is a door; the endpoint of the model does.
// The same bytes are kept once in a project. Package interview decides who may do what;
// everything here runs in its transactions.
package attachment

import (
	"time"

	"cofounder/internal/product/account"
)

// ID identifies an attachment.
type ID string

// Prefix implements id.Kind.
func (ID) Prefix() string { return "att" }

// Kind is how a file is read.
type Kind string

// The kinds.
const (
	Text    Kind = "text"
	Picture Kind = "picture"
	PDF     Kind = "pdf"
)

// State is whether a file was read.
type State string

// The states. A text is Read at once.
const (
	Kept       State = "kept" // a model reads it with the next work on the idea
	Read       State = "read"
	Unreadable State = "unreadable" // Note says why
)

// The limits of a project. A picture may be as large as the Messages API takes.
const (
	MostFiles  = 5
	MaxText    = 1 << 20
	MaxPicture = 3_700_000
	MaxPDF     = 8 << 20
	MaxAll     = 16 << 20
)

// MaxHeard is how many bytes of all files together are used for the work on an idea:
// about twenty thousand tokens, what every connected AI can hold beside the rest. Of more
// the beginning is used, and the founder is told how much.
const MaxHeard = 60_000

// File is what a founder gives.
type File struct {
	Name    string
	Content []byte
}

// Attachment is a file that is kept, without its content.
type Attachment struct {
	ID        ID
	Name      string // one line, without folders
	Kind      Kind
	MediaType string
	Size      int
	SHA256    string // in hexadecimal
	State     State
	Heard     []byte // the first MaxHeard bytes of what is heard; UTF-8, its end may be cut
	Long      int    // bytes of all that is heard; 0 while a file was not read
	Note      string // while Unreadable, in plain words
	Revision  int    // of the interview
	Author    account.UserID
	At        time.Time
}
