package llm

// Request is one question to a model. It holds no endpoint and no price: those
// belong to whoever pays.
type Request struct {
	Model   string
	Opening Opening
	// Turns is the conversation so far; it begins and ends with the user. What the
	// Result says to append is appended, nothing is ever changed.
	Turns []Turn
	// Schema is the form the answer must have; nil asks for text or tool calls.
	Schema *Schema
	Effort Effort
	// MaxTokens caps the output, thinking included, and is reserved in full. A
	// ticket may lower it.
	MaxTokens Tokens
	// Larger, if above MaxTokens, is the cap of one more attempt after an answer
	// was cut by the first. Zero gives none.
	Larger Tokens
}

// GoOnText tells a model to go on where it was cut off.
const GoOnText = "You were cut off. Go on exactly where you stopped, without repeating anything."

// Tool is something the model may ask us to do.
type Tool struct {
	Name        string
	Description string
	Input       []byte // JSON Schema of an object
	Strict      bool   // the server should hold inputs to the schema, where it can
}

// Schema is the form of an answer. Package answer makes one from a Go type.
type Schema struct {
	Title string // names the task; also in JSON, where a model reads it
	JSON  []byte // JSON Schema, within what the API supports
	// Check judges an answer, one JSON value: schema, strict reading, rules of the
	// domain. Its error is told to the model in the one repair turn, so it says
	// what is wrong where, as one line per flaw. Nil accepts any JSON value.
	Check func(answer []byte) error
}
