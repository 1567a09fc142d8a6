package venue

// A Category is seats that cost the same.
type Category struct {
	ID    string
	Name  string
	Color string // such as #8c1d2f; empty if it has none of its own

	// Levels are the prices for different people, such as adults and children. There is
	// at least one if the event has prices, and the first is the default.
	Levels []Level
}

// A Level is one of the prices of a category.
type Level struct {
	ID    string // empty if it is the only one
	Name  string
	Price int64 // in the currency's smallest unit
}

// MaxPrice is the highest price. It keeps a call's total from overflowing, and exact in
// programs that read numbers as floats.
const MaxPrice = 1_000_000_000_000

// CategoryOf returns the category of the seat or place at the position, or nil if it
// has none.
func (e *Event) CategoryOf(position int) *Category {
	c := e.Layout.Category(position)
	if c < 0 || c >= len(e.categories) {
		return nil
	}
	return &e.Categories[e.categories[c]]
}

// Price returns the price of the seat or place at the position at the level; "" is the
// first level. It returns false if there is no such level, or no price.
func (e *Event) Price(position int, level string) (Level, bool) {
	c := e.CategoryOf(position)
	if c == nil || len(c.Levels) == 0 {
		return Level{}, false
	}
	if level == "" {
		return c.Levels[0], true
	}
	for _, l := range c.Levels {
		if l.ID == level {
			return l, true
		}
	}
	return Level{}, false
}
