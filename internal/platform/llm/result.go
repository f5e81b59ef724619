package llm

import "encoding/json"

// StopReason is why a model stopped.
type StopReason string

// The reasons of the API. A server may send others, which are never an answer.
const (
	StopEnd      StopReason = "end_turn"
	StopSequence StopReason = "stop_sequence"
	StopTools    StopReason = "tool_use"
	StopLength   StopReason = "max_tokens"
	StopContext  StopReason = "model_context_window_exceeded"
	StopRefusal  StopReason = "refusal"
	StopPause    StopReason = "pause_turn"
)

// Label says how an answer of a form was found in the text, best first. It is kept
// with what is made of the answer and counted.
type Label string

// The labels, in the order they are tried.
const (
	Strict   Label = "strict"   // the whole text is one JSON value
	Fenced   Label = "fenced"   // the whole text is one fence around one JSON value
	Embedded Label = "embedded" // exactly one JSON value, the rest is prose
)

// Result is a complete answer. It can be stored as JSON and read again.
type Result struct {
	// Turns are to be appended to the conversation, in this order, if it goes on:
	// the model's turn, and before it any repair that led to it.
	Turns []Turn `json:"turns"`
	// Text is all text of the answer. Not for people who wait: progress between
	// tool calls does not arrive as text.
	Text string `json:"text"`
	// Calls are complete tool calls, in order, each id once; only with StopTools.
	Calls []ToolCall `json:"calls,omitempty"`
	// Answer is the one JSON value that Request.Schema asked for, checked.
	Answer    json.RawMessage `json:"answer,omitempty"`
	Label     Label           `json:"label,omitempty"`
	Stop      StopReason      `json:"stop"`
	Usage     Usage           `json:"usage"` // of the attempt that gave the answer
	Model     string          `json:"model"` // as answered
	RequestID string          `json:"request_id"`
	Attempts  int             `json:"attempts"` // of the whole call
}

// ToolCall is something the model asks us to do.
type ToolCall struct {
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"` // a JSON object
}

// Sink is told what arrives while it arrives, for people to watch; nothing of it
// is an answer before the call returns. It is called from one goroutine, must not
// block, and may be nil. Its error cuts the attempt: the call ends Cancelled, with
// that error as its cause.
type Sink func(e Event) error

// Event is a piece of an answer under way.
type Event struct {
	// Attempt counts up within the call; when it changes, what was shown of the
	// attempt before is void.
	Attempt int
	Type    BlockType // Text, Thinking or ToolUse
	Index   int       // of the block
	Text    string    // to append; for ToolUse the tool's name, once
}
