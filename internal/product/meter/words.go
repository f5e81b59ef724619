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
		return fault.New(fault.Unavailable, "ai_unavailable", "The AI cannot be reached. Nothing is lost; I try again.").WithRetry(wait)
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
		return fault.New(fault.Conflict, "ai_unreadable", "The AI's answer could not be used, also after I asked again.")
	case llm.Cancelled:
		return fault.New(fault.Conflict, "ai_cancelled", "The question to the AI was stopped.")
	case llm.Budget: // a limit of ours is a fault of its own
	case llm.Rejected:
	}
	return fault.New(fault.Conflict, "ai_rejected", "The AI's provider did not accept the question. The reference helps whoever runs this installation to find out why.")
}
