package idea

// Shape is what kind of app it will be.
type Shape string

// The shapes.
const (
	Bookings  Shape = "bookings"
	List      Shape = "list"
	Board     Shape = "board"
	Log       Shape = "log"
	Catalogue Shape = "catalogue"
	Directory Shape = "directory"
)

// Role is the part a thing plays in the shape.
type Role string

// The roles.
const (
	Main   Role = "main"   // what the shape shows: the booking, card, article, entry, listing
	Orders Role = "orders" // with Catalogue: what people ask for, by article
	Side   Role = "side"   // a list of its own, which others link to
)

// Choice is the shape and why.
type Choice struct {
	Name  Shape   `json:"name"`
	Label string  `json:"label"`
	Main  string  `json:"main"` // the ID of the thing or person it shows
	Why   []Quote `json:"why"`  // the words that spoke for it; empty: none spoke for another
}

// plan is what a shape needs of its things.
type plan struct {
	shape Shape
	label string
	entry string   // the record it makes where the founder named none
	noun  string   // what a product of this shape is called: "Harvest Log"
	needs []Detail // what the main thing must have
}

// plans lists the shapes. Where two have as much said for them the earlier is taken;
// the last where nothing is said for any.
func plans() []plan {
	name := need("Name", Text)
	return []plan{
		{Bookings, "calendar of bookings", "event", "Planner", []Detail{need("Date", Date), need("Time", Time)}},
		{Board, "board with steps", "task", "Board", []Detail{need("Status", Options, (&sense{}).statuses()...)}},
		{Catalogue, "catalogue with orders", "product", "Shop", []Detail{name}},
		{Directory, "directory with search", "listing", "Finder", []Detail{name}},
		{Log, "log with totals and a chart", "entry", "Log", []Detail{need("Date", Date), need("Amount", Number)}},
		{List, "list and detail", "item", "List", []Detail{name}},
	}
}

// statuses are the steps of what has some and nobody said which.
func (s *sense) statuses() []string {
	if s.dated() {
		return []string{"Booked", "Done", "Cancelled"}
	}
	return []string{"New", "In progress", "Done"}
}

// ordered is what people's orders of a catalogue must have, or their loans or offers.
func ordered(id string) []Detail {
	switch id {
	case "loan", "rental":
		return []Detail{need("Start date", Date), need("Due back", Date), need("Returned", YesNo)}
	case "offer", "request":
		return []Detail{need("Date", Date), need("Message", Note), need("Status", Options, "New", "Accepted", "Declined")}
	}
	return []Detail{need("Quantity", Number), need("Date", Date), need("Status", Options, "New", "Ready", "Done")}
}

func need(name string, t Type, options ...string) Detail {
	return Detail{Name: name, Type: t, Options: append([]string{}, options...), Origin: Standard}
}
