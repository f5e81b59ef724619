// Package idea reads what a founder wrote, by fixed rules and without a model: who
// uses the product, what it keeps track of and with which details, what people do,
// which of six shapes fits. It is the ear of the demo mode.
//
// Terms. A part is one text of the founder's and where it comes from. A thing is
// something the product keeps records of; a person is somebody in the text, kept
// as records too where details were given. A detail is a field of a record. A
// quote is a piece of a part, byte for byte. What the founder said has a quote;
// what a shape needs and nobody said is marked standard.
//
// Invariants. Read never fails and never panics; time is linear in the text. The
// same parts give the same Understanding: no clock, no randomness, no order of
// maps. Where the rules understand too little, the Understanding holds a question
// and nothing made up.
package idea
