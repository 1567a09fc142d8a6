package booking

import (
	"sync"

	"seatlock/functions/seatlist"
	"seatlock/functions/venue"
	"seatlock/functions/venue/best"
)

// layoutPlans are derived from a layout, for all events that share it.
type layoutPlans struct {
	lists *seatlist.Plan

	layout *venue.Layout
	once   sync.Once
	picks  *best.Plan // made when it is first needed
}

func newPlans(l *venue.Layout) *layoutPlans {
	return &layoutPlans{lists: seatlist.NewPlan(l.Layout, partsOf(l)), layout: l}
}

// partsOf returns the parts of a layout that lists count.
func partsOf(l *venue.Layout) seatlist.Parts {
	parts := seatlist.Parts{Categories: l.Categories, CategoryOf: l.Category}
	for _, a := range l.Areas {
		parts.Areas = append(parts.Areas, seatlist.Area{Name: a.Name, First: a.First, End: a.End})
	}
	return parts
}

// forPicks returns the plan of which seats are side by side.
func (p *layoutPlans) forPicks() *best.Plan {
	p.once.Do(func() { p.picks = best.NewLayoutPlan(p.layout) })
	return p.picks
}
