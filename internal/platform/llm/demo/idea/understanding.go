package idea

// Part is one text of the founder's.
type Part struct {
	Source string // where it comes from: "idea", "answer:q_1"
	Text   string
}

// Understanding is what was understood. All lists are present, maybe empty. With a
// Question the rest holds what little was found, without anything standard.
type Understanding struct {
	Questions []Question `json:"questions"` // at most one: then nothing can be built yet
	Name      Name       `json:"name"`
	Colour    Colour     `json:"colour"`
	Shape     Choice     `json:"shape"`
	People    []Noun     `json:"people"`
	Things    []Noun     `json:"things"` // the main one first
	Actions   []Action   `json:"actions"`
	LeftOut   []LeftOut  `json:"left_out"`
	Unclear   []Unclear  `json:"unclear"`
}

// Question is asked where the rules do not understand enough.
type Question struct {
	Text    string `json:"text"`
	Why     string `json:"why"`
	Example string `json:"example"`
}

// Quote is a piece of what the founder wrote. The zero Quote belongs to what nobody
// said.
type Quote struct {
	Text   string `json:"text"`
	Source string `json:"source"`
	At     int    `json:"at"` // bytes into the part
	order  int    // tokens before it
}

// Origin says whose words something is.
type Origin string

// The origins.
const (
	Said      Origin = "said"      // the founder's words
	Corrected Origin = "corrected" // the founder's correction
	Standard  Origin = "standard"  // ours, for want of the founder's
)

// Name is what the product is called.
type Name struct {
	Text   string `json:"text"`
	Origin Origin `json:"origin"`
	Quote  Quote  `json:"quote"`
}

// Colour is the product's one colour, dark enough to carry white text.
type Colour struct {
	Name   string `json:"name"`
	Hex    string `json:"hex"`
	Origin Origin `json:"origin"`
}

// Noun is a thing or a person.
type Noun struct {
	ID      string   `json:"id"` // lower case, stable under rewording of the rest
	Name    string   `json:"name"`
	Plural  string   `json:"plural"`
	Role    Role     `json:"role"`
	Origin  Origin   `json:"origin"`
	Details []Detail `json:"details"`
	// Examples are names of single ones that the founder gave: "three rooms (big hall,
	// kitchen, meeting room)".
	Examples []string `json:"examples"`
	Quote    Quote    `json:"quote"`
}

// Detail is one field of a record.
type Detail struct {
	Name    string   `json:"name"`
	Type    Type     `json:"type"`
	Of      string   `json:"of"`      // with Link, the ID of a thing or person
	Options []string `json:"options"` // with Options
	Origin  Origin   `json:"origin"`
	Quote   Quote    `json:"quote"`
	sure    bool     // in a list of details, not just nearby
}

// Type is what a detail holds.
type Type string

// The types.
const (
	Text     Type = "text"
	Note     Type = "note" // several lines
	Number   Type = "number"
	Money    Type = "money"
	Date     Type = "date"
	Time     Type = "time"
	Duration Type = "duration"
	YesNo    Type = "yes_no"
	Options  Type = "choice"
	Photo    Type = "photo"
	Phone    Type = "phone"
	Email    Type = "email"
	Web      Type = "web"
	Address  Type = "address"
	Rating   Type = "rating"
	Link     Type = "link" // to a record of Detail.Of
)

// Action is something somebody does with the product.
type Action struct {
	Who   string `json:"who"` // the ID of a person
	Does  string `json:"does"`
	What  string `json:"what"` // the ID of a thing or person, or empty
	Quote Quote  `json:"quote"`
}

// LeftOut is something the founder does not want, or not yet.
type LeftOut struct {
	What  string `json:"what"`
	Later bool   `json:"later"`
	Quote Quote  `json:"quote"`
	lemma string
}

// Unclear is something said in two ways. Until the founder decides, the second
// holds.
type Unclear struct {
	About  string `json:"about"`
	First  Quote  `json:"first"`
	Second Quote  `json:"second"`
}
