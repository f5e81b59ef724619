// Package demo is the model that is built in: fixed rules behind the real wire
// protocol, so that the product runs its whole journey without an AI. It costs
// nothing, types nothing slowly and makes nothing up; the same request gets the same
// bytes.
//
// It is an http.RoundTripper and stands under the ordinary client, which does not
// know the difference. What is asked it knows by convention:
//
//   - A task by the title of the output schema: "understanding". Each task has a file
//     of its own here and a line in tasks.
//   - With tools offered, a role by the first line of the system prompt, "Role: coder",
//     with a line in roles. A role answers with tool calls until it is done.
//   - The founder's words by the parts of package tag in turns of the user. Nothing
//     else of a prompt is read.
//
// What it has no rules for it refuses as the API refuses a bad request, naming what
// is missing. It never fills in an answer.
//
// This is the one place of platform that knows what the product is about, since a
// stand-in for a model must; how it hears founders is package idea.
package demo
