// Package writing makes the sentences of the demo mode out of an understanding: the
// questions, the features with what must work, the brief. They are short and true, in
// the founder's nouns. What the founder said is quoted; the rest is called standard.
// There are no opinions, markets, competitors or figures.
//
// Terms. A question has a key that says what it is about and does not change while the
// idea stays the same. An answer is text to the text of a question. A criterion is a
// sentence that a person can try and find true or false; its ID follows from what it is
// about, so that it stays the same over versions.
//
// Invariants. All functions are pure. Where the founder gave nouns, no sentence says
// item, record or entry instead. An answer changes the understanding by corrections
// only, or is kept as a rule in the founder's words; nothing of it is lost.
package writing
