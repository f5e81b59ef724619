// Package llm holds what there is to say about talking to a language model: what
// is asked, what comes back, what it used, what went wrong. It reaches no network;
// package client does, and only meter and app may import that.
//
// Terms. An endpoint is a server that speaks the Messages API; a class (best,
// standard, small) is chosen by the product and becomes a model there. A
// conversation is an opening (tools and system) and turns; it is append-only and
// kept as the bytes that are sent, because newer models sign their thinking
// together with every byte before it. A call is one question; it takes one or more
// attempts, each of which may cost money and is therefore admitted before it is
// made and accounted for after. A ticket is an admitted attempt, an outcome what
// became of it.
//
// Invariants. No attempt without a ticket. Every ticket is either settled as
// failed, at once, or handed back with the answer. An answer that is incomplete,
// cut or not of the asked form is an error, never a shorter answer. Errors carry
// no text of prompts or answers.
package llm
