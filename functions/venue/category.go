package venue

import (
	"fmt"

	"golang.org/x/text/unicode/norm"
)

// maxCategories is the most categories of an event or a layout.
const maxCategories = 1000

// categories are the categories that a layout names, while it is being made.
type categories struct {
	ids   []string
	known map[string]uint16 // one more than the index in ids
	of    []uint16          // by position: the same, or 0
}

// index returns one more than the index of the first id that is given, or 0.
func (c *categories) index(here string, ids ...*string) (uint16, error) {
	for _, given := range ids {
		if given == nil {
			continue
		}
		id := norm.NFC.String(*given)
		if n, ok := c.known[id]; ok {
			return n, nil
		}
		if err := checkCategory(here, id); err != nil {
			return 0, err
		}
		if len(c.ids) == maxCategories {
			return 0, wrong(here, "there are more than %d categories", maxCategories)
		}
		if c.known == nil {
			c.known = make(map[string]uint16)
		}
		c.ids = append(c.ids, id)
		c.known[id] = uint16(len(c.ids))
		return c.known[id], nil
	}
	return 0, nil
}

// done returns the categories and, if there are any, that of each position.
func (c *categories) done(positions int) ([]string, []uint16) {
	if len(c.ids) == 0 {
		return nil, nil
	}
	return c.ids, c.of[:positions:positions]
}

// checkCategory checks the id of a category or a price level.
func checkCategory(here, id string) error {
	if len(id) > 64 || checkName(id) != nil {
		return wrong(here, "the id of a category or a level is 1 to 64 bytes of printable text without a space at either end, not %s", Shown(id))
	}
	return nil
}

// categories makes the categories of an event.
func (e eventJSON) categories(here string) ([]Category, error) {
	if len(e.Categories) > maxCategories {
		return nil, wrong(here+"/categories", "there are more than %d categories", maxCategories)
	}
	priced := e.Currency != nil
	if priced && !isCurrency(*e.Currency) {
		return nil, wrong(here+"/currency", "a currency is three capital letters, such as EUR, not %s", Shown(*e.Currency))
	}
	made := make([]Category, len(e.Categories))
	seen := make(map[string]bool)
	for i, c := range e.Categories {
		here := fmt.Sprintf("%s/categories/%d", here, i)
		category, err := c.category(here, priced)
		if err != nil {
			return nil, err
		}
		if seen[category.ID] {
			return nil, wrong(here+"/id", "category %s is listed twice", Shown(category.ID))
		}
		seen[category.ID] = true
		made[i] = category
	}
	return made, nil
}

func (c categoryJSON) category(here string, priced bool) (Category, error) {
	made := Category{ID: norm.NFC.String(c.ID)}
	if err := checkCategory(here+"/id", made.ID); err != nil {
		return made, err
	}
	var err error
	if made.Name, err = nameOr(here, c.Name, made.ID); err != nil {
		return made, err
	}
	if c.Color != nil {
		if made.Color = *c.Color; !isColor(made.Color) {
			return made, wrong(here+"/color", "a color is # and six hexadecimal digits, such as #8c1d2f, not %s", Shown(made.Color))
		}
	}
	switch {
	case !priced && (c.Price != nil || c.Levels != nil):
		return made, wrong(here, "a price needs a currency; give the event one")
	case c.Price != nil && c.Levels != nil:
		return made, wrong(here, "both price and levels are given; give only one of them")
	case priced && c.Price == nil && len(c.Levels) == 0:
		return made, wrong(here, "the event has a currency; give the category a price or levels (0 is free)")
	case c.Price != nil:
		made.Levels = []Level{{Price: *c.Price}}
		return made, checkPrice(here+"/price", *c.Price)
	}
	seen := make(map[string]bool)
	for i, l := range c.Levels {
		level, err := l.level(fmt.Sprintf("%s/levels/%d", here, i))
		if err != nil {
			return made, err
		}
		if seen[level.ID] {
			return made, wrong(fmt.Sprintf("%s/levels/%d/id", here, i), "level %s is listed twice", Shown(level.ID))
		}
		seen[level.ID] = true
		made.Levels = append(made.Levels, level)
	}
	return made, nil
}

func (l levelJSON) level(here string) (Level, error) {
	made := Level{ID: norm.NFC.String(l.ID)}
	if err := checkCategory(here+"/id", made.ID); err != nil {
		return made, err
	}
	if l.Price == nil {
		return made, wrong(here, "the price is missing (0 is free)")
	}
	made.Price = *l.Price
	var err error
	if made.Name, err = nameOr(here, l.Name, made.ID); err != nil {
		return made, err
	}
	return made, checkPrice(here+"/price", made.Price)
}

// nameOr returns the name for people, or the id if there is none.
func nameOr(here string, name *string, id string) (string, error) {
	if name == nil {
		return id, nil
	}
	if err := checkLabel(*name); err != nil {
		return "", at(here+"/name", err)
	}
	return norm.NFC.String(*name), nil
}

func checkPrice(here string, price int64) error {
	if price < 0 || price > MaxPrice {
		return wrong(here, "a price is a whole number of the currency's smallest unit from 0 to %d, not %d", int64(MaxPrice), price)
	}
	return nil
}

func isCurrency(s string) bool { return len(s) == 3 && every(s, isUpper) }

func isColor(s string) bool {
	return len(s) == 7 && s[0] == '#' && every(s[1:], func(c byte) bool {
		return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
	})
}

// find matches the categories that the layout names with the event's.
func (e *Event) find(here string) error {
	if len(e.Layout.Categories) == 0 && e.Currency == "" {
		return nil
	}
	byID := make(map[string]int)
	for i, c := range e.Categories {
		byID[c.ID] = i
	}
	e.categories = make([]int, len(e.Layout.Categories))
	for i, id := range e.Layout.Categories {
		at, ok := byID[id]
		if !ok {
			return wrong(here+"/categories", "category %s is not listed, but seats of the event have it", Shown(id))
		}
		e.categories[i] = at
	}
	if e.Currency == "" {
		return nil
	}
	for p := range e.Seats {
		if e.Layout.Category(p) < 0 {
			return wrong(here+"/currency", "seat %s has no category and so no price", e.Seats[p])
		}
	}
	return nil
}
