// Package demo is the model that is built in: fixed rules behind the real wire
// protocol, so that the product runs its whole journey without an AI. It costs
// nothing, types nothing slowly and makes nothing up; the same request gets the same
// bytes.
//
// It is an http.RoundTripper and stands under the ordinary client, which does not
// know the difference. What is asked it knows by convention:
//
//   - A task by the title of the output schema: "understanding".
//   - With tools offered, a role by the first line of the system prompt, "Role: coder".
//     A role answers with tool calls until it is done.
//   - The founder's words by the parts of package tag in turns of the user: the idea
//     and whatever else was written; answers beside their questions, which have the
//     same ID; corrections. Nothing else of a prompt is read.
//
// A new task is a file with a function on Model and a line in allTasks or allRoles.
// It calls hear, which gives the understanding with answers and corrections in it;
// package writing makes its sentences, package blueprint what an app is generated
// from. It returns a value that marshals to the JSON of the schema; which one that is
// the package says that asks, so the task has a test with that package's form.
//
// What it has no rules for it refuses as the API refuses a bad request, naming what
// is missing. It never fills in an answer.
//
// This is the one place of platform that knows what the product is about, since a
// stand-in for a model must; how it hears founders is package idea.
package demo
