// Package llmtest plays a model: a Messages API server that says what a script
// tells it to, refuses what the real API refuses, and fails in every way the real
// one and those between were seen to fail.
//
// A script is text, one line per thing, made of turns; each request takes the next
// turn that wants it:
//
//	# an overload, then a tool, then the end
//	turn
//	fail overloaded
//	turn
//	think
//	say I look at the file first.
//	tool read {"path":"main.go"}
//	turn when tool_result
//	expect package main
//	say It prints hello.
//
// Lines of a turn:
//
//	turn [when TEXT]      the next answer; only for a request that contains TEXT
//	times N               answers N requests; 0: all that come
//	expect TEXT           the request must contain TEXT, or the test fails
//	think [TEXT]          thinking, signed; models that always think do so anyway
//	say TEXT              text; a Go string in quotes may hold \n
//	tool NAME JSON        a tool call
//	stop REASON           instead of the reason that follows from the content
//	usage KEY=N …         instead of counting: input, output, thinking, read, write5m, write1h
//	drip DURATION         between events
//	fail NAME [VALUE]     one of Failures
//
// What no turn wants is answered without one: with a value of the schema asked for,
// or with an echo. A server of Start fails its test when that happens, or when
// turns are left over.
package llmtest
