// Package sample is a graph to try durable work on: think → work × N → ask → finish,
// with a model that is played by a script and paid by the real meter. Measurements and
// tests drive it from any number of processes that share a database.
//
// think asks the model once and plans as many pieces of work as the run's Plan says;
// each piece asks it Turns times, reading what the founder said meanwhile before each;
// ask waits for a decision unless the plan says not to; finish writes the result. Each
// model call is a step that commits with its settlement and an event; each event says
// which step it tells of, so that lost and double ones can be counted.
package sample
