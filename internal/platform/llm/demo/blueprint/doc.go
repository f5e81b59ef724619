// Package blueprint turns what was understood of an idea into everything a generator of
// its web app needs: things with typed fields and how they are linked, who uses them,
// what the first page shows, sample records in the words of the founder, and a palette.
//
// Terms. A thing is a kind of record the app keeps; people are things too where records
// of them are kept. The title of a thing is the field its records are called by. A
// screen says which fields of the main thing the shape of the app is drawn from.
//
// Invariants. Of is a pure function: the same understanding gives the same blueprint.
// Every ID is a valid identifier, unique among its siblings. Each thing has a title and
// the same number of samples, one value per field, in the form its type says; a link
// points to a sample that is there.
//
// Values of samples are text, by the type of their field:
//
//	date              days from the day the app first starts: "-3", "0", "12"
//	time              "09:30"
//	duration          minutes: "45"
//	number, rating    "12", "4"
//	money             "24.50"
//	yes_no            "yes" or "no"
//	choice            one of the options, or a word where there are none
//	link              which sample of the other thing, from "0"
//	photo             "": the generator draws one from the title and the palette
//	everything else   text
package blueprint
