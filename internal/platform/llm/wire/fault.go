package wire

import "net/http"

// Error is a refusal as the API writes it.
type Error struct {
	Status  int
	Type    string
	Message string
	// Code is the finer error_code the API puts into details, mostly empty.
	Code string
}

// Invalid returns a 400.
func Invalid(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: "invalid_request_error", Message: message}
}

// Body is the JSON of the error; inside a stream it is the data of an error event.
func (e *Error) Body(requestID string) []byte {
	type inner struct {
		Type    string         `json:"type"`
		Message string         `json:"message"`
		Details map[string]any `json:"details,omitempty"`
	}
	in := inner{Type: e.Type, Message: e.Message}
	if e.Code != "" {
		in.Details = map[string]any{"error_visibility": "user_facing", "error_code": e.Code}
	}
	return mustMarshal(struct {
		Type      string `json:"type"`
		Error     inner  `json:"error"`
		RequestID string `json:"request_id,omitempty"`
	}{"error", in, requestID})
}

// WriteError answers a request with e. Headers set before, such as request-id and
// retry-after, are kept.
func WriteError(w http.ResponseWriter, e *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(e.Body(w.Header().Get("request-id"))) //nolint:errcheck,gosec // the client is gone; it is JSON, and said to be
}
