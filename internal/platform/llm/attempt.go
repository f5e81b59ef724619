package llm

import (
	"context"
	"time"
)

// Attempt is one request about to be made, which may cost money whether or not an
// answer comes of it.
type Attempt struct {
	Number   int // within the call, from 1
	Endpoint string
	Model    string
	// InputUpper bounds the prompt from above without asking anybody: bytes are
	// never fewer than tokens.
	InputUpper Tokens
	MaxTokens  Tokens
	// Count asks the endpoint for a closer bound, never above InputUpper, where it
	// can count; otherwise it returns InputUpper. It costs a round trip and no
	// money: ask when InputUpper does not fit.
	Count func(ctx context.Context) (Tokens, error)
}

// Admit is asked before every attempt, without exception. An error ends the call
// and is what the caller sees, wrapped. It is safe for concurrent use.
type Admit func(ctx context.Context, a Attempt) (Ticket, error)

// Ticket is an admitted attempt.
type Ticket interface {
	// MaxTokens is the output admitted, at most what the attempt asked for.
	MaxTokens() Tokens
	// Failed says at once what became of an attempt that gave no answer. It is
	// called at most once, also when ctx of the call is over; never for the
	// attempt whose answer the call returns.
	Failed(ctx context.Context, o Outcome) error
}

// State says how sure an outcome's figures are.
type State string

// The states, by the rules of the messages API: what is refused before anything is
// generated is not billed, a stream that broke was billed for an amount it did not
// tell, and of a request that got no answer at all, or word of a mistake on the other
// side, nobody knows.
const (
	Settled   State = "settled"   // usage is the server's own
	Estimated State = "estimated" // input as told, output from what was seen
	Unknown   State = "unknown"   // sent, and no answer: anything up to the reservation
	Void      State = "void"      // nothing was billed
)

// Outcome is what became of one attempt.
type Outcome struct {
	State     State
	Usage     Usage // with Estimated never above what the ticket admitted
	Err       Kind  // empty for an answer
	Reason    Reason
	Status    int    // of HTTP; 0 when there was none
	Model     string // as the server answered it; may differ from the one asked
	RequestID string
	Stop      StopReason
	Label     Label         // how a formed answer was found
	FirstByte time.Duration // from sending to the first content; 0 when none came
	Took      time.Duration
}

// Bill is what is still owed for an answer: the ticket of the attempt that gave it,
// not yet settled, and what it used. Whoever gets it must settle it.
type Bill struct {
	Ticket  Ticket
	Outcome Outcome
}
