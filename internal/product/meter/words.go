package meter

import (
	"errors"
	"time"

	"cofounder/internal/base/fault"
	"cofounder/internal/platform/llm"
)

// inWords makes a fault of what went wrong at an endpoint, for people; the *llm.Error
// stays beneath. A limit of ours is a fault already.
func inWords(err error) error {
	if fault.Of(err) != nil {
		return err
	}
	e, ok := errors.AsType[*llm.Error](err)
	if !ok {
		return err
	}
	return faultOf(e).Because(err)
}

// later is when to try again where the endpoint did not say.
const later = 5 * time.Minute

func faultOf(e *llm.Error) *fault.Error {
	wait := e.RetryAfter
	if wait <= 0 {
		wait = later
	}
	switch e.Kind {
	case llm.Overloaded:
		return fault.New(fault.Unavailable, "ai_overloaded", "The AI is overloaded at the moment. Nothing is lost; I try again.").WithRetry(wait)
	case llm.RateLimited:
		return fault.New(fault.Unavailable, "ai_rate_limited", "The AI takes no more requests from this key for the moment. Nothing is lost; I try again.").WithRetry(wait)
	case llm.Unavailable:
		return fault.Newf(fault.Unavailable, "ai_unavailable", "%s. Nothing is lost; I try again.", happened(e.Reason)).WithRetry(wait)
	case llm.SpendLimit:
		return fault.New(fault.PaymentRequired, "ai_out_of_money", "The AI's provider says that this key's account is out of money or at its own limit. Look there, then go on.")
	case llm.Unauthorised:
		return fault.New(fault.Conflict, "ai_key_refused", "The AI's provider does not accept this key. Enter another where the AI is connected.")
	case llm.Refused:
		return fault.New(fault.Conflict, "ai_declined", "The AI declined to answer that. Say it in other words, or leave it out.")
	case llm.ContextTooLong:
		return fault.New(fault.Conflict, "ai_too_long", "That is more than the AI can read at once.")
	case llm.Truncated:
		return fault.New(fault.Conflict, "ai_cut_off", "The answer was cut off before it was complete, so I did not use it.")
	case llm.Unreadable:
		if e.Reason == llm.NotMessages {
			return notAnAI()
		}
		if e.Attempts > 1 {
			return fault.New(fault.Conflict, "ai_unreadable", "The AI's answer could not be used, also after I asked again.")
		}
		return fault.New(fault.Conflict, "ai_unreadable", "The AI's answer could not be used.")
	case llm.Cancelled:
		return fault.New(fault.Conflict, "ai_cancelled", "The question to the AI was stopped.")
	case llm.Budget: // a limit of ours is a fault of its own
	case llm.Rejected:
		switch e.Reason { //nolint:exhaustive // the others are for whoever runs this installation
		case llm.NotMessages, llm.Redirected:
			return notAnAI()
		case llm.UnknownModel:
			return fault.Newf(fault.Conflict, "ai_unknown_model", "There is no model %s where the AI is connected, or its key may not use it. Choose another there.", e.Model)
		}
	}
	return fault.New(fault.Conflict, "ai_rejected", "The AI's provider did not accept the question. The reference helps whoever runs this installation to find out why.")
}

func notAnAI() *fault.Error {
	return fault.New(fault.Conflict, "ai_wrong_address", "What answers at the AI's address is not an AI I can talk to. Check the address where the AI is connected.")
}

// happened says how an endpoint was of no use.
func happened(r llm.Reason) string {
	switch r { //nolint:exhaustive // the others give no answer at all
	case llm.NoFirstByte, llm.NoBytes, llm.NoProgress:
		return "The AI took the question and fell silent"
	case llm.Lost, llm.Incomplete, llm.Garbled:
		return "The connection to the AI broke off"
	case llm.ServerError:
		return "The AI says that something went wrong on its side"
	}
	return "The AI cannot be reached"
}
