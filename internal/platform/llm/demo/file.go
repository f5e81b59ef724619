package demo

import "cofounder/internal/platform/llm/wire"

// fileTask is the one task that comes with a picture or a document.
const fileTask = "file"

// seen is what stands in a file, as package interview wants it.
type seen struct {
	Readable bool   `json:"readable"`
	Says     string `json:"says"`
	Because  string `json:"because"`
}

// file reads nothing: rules cannot look.
func file(*wire.Request) (any, *wire.Error) {
	return seen{Because: "No AI is connected, and fixed rules cannot look into pictures and PDFs. I keep it; connect an AI and I read it with the next page."}, nil
}
