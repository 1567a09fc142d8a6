package booking

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/venue"
	"seatlock/functions/venue/best"
	"seatlock/lockstore"
)

// A picker finds seats of an event for requests that name a number of them. It is made
// when it is first needed.
type picker struct {
	once    sync.Once
	picker  *best.Picker
	updated *seatlist.Snapshot // what the Picker has; used only while it is updated
}

// picks returns the Picker of the event.
func (ev *event) picks() *best.Picker {
	ev.picker.once.Do(func() {
		ev.picker.picker = best.NewPicker(ev.plans.forPicks(), ev.windows, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	})
	return ev.picker.picker
}

// changes asks for the seats and returns what the Picker does not know yet.
func (ev *event) changes(ctx context.Context) (func(set func(position int, taken bool)), error) {
	snap, err := ev.feed.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	return func(set func(int, bool)) {
		last := ev.picker.updated
		if last != nil && last.Moment() >= snap.Moment() {
			return // another caller's list was newer
		}
		for at, status := range snap.Changed(last) {
			set(at, status != lockstore.Available)
		}
		ev.picker.updated = snap
	}, nil
}

// A pick is what a lock asks for besides the seats that it names.
type pick struct {
	best.Want
	named []lockstore.SeatID
	of    string // the section and the category asked for, as refusals name them
}

// pickOf returns the pick that the request asks for, or nil if it names seats alone.
func (ev *event) pickOf(req *seatsRequest) (*pick, error) {
	switch named := req.SeatID != "" || req.SeatIDs != nil; {
	case req.Levels != nil && (req.Count != nil || req.Areas != nil):
		return nil, badBody("The field levels goes with seats that are all named. Lock the seats of the answer once more with levels, or name the levels in confirm.")
	case req.Count == nil && (req.Category != nil || req.Section != nil || req.Apart != nil):
		return nil, badBody("The fields category, section and apart go with count, the number of seats.")
	case req.Count != nil && (named || req.Areas != nil):
		return nil, badBody("The field count goes neither with seats nor with areas. For seats that you name and places of areas together, give seatIds and areas.")
	case req.Count != nil:
		return ev.party(req)
	case req.Areas != nil:
		return ev.places(req)
	}
	return nil, nil
}

// party returns the pick of a number of seats, or of places if the section is an area.
func (ev *event) party(req *seatsRequest) (*pick, error) {
	if n := *req.Count; n < 1 || n > lockstore.MaxSeats {
		return nil, badBody("The field count must be from 1 to %d.", lockstore.MaxSeats)
	}
	p := &pick{Want: best.Want{Count: *req.Count, Category: best.Any, Section: best.Any, Apart: isSet(req.Apart)}}
	l := ev.venue.Layout
	if req.Section != nil {
		if p.Section = sectionOf(l, *req.Section); p.Section < 0 {
			return nil, badBody("There is no section %s; GET /events lists the sections and areas.", venue.Shown(*req.Section))
		}
		p.of += " in " + *req.Section
	}
	if req.Category != nil {
		if p.Category = slices.Index(l.Categories, *req.Category); p.Category < 0 {
			return nil, badBody("There is no category %s; GET /events lists the categories.", venue.Shown(*req.Category))
		}
		p.of += " of category " + *req.Category
	}
	return p, nil
}

// places returns the pick of places of areas besides the seats that the request names.
func (ev *event) places(req *seatsRequest) (*pick, error) {
	p := &pick{Want: best.Want{Category: best.Any, Section: best.Any}}
	if req.SeatID != "" || req.SeatIDs != nil {
		var err error
		if p.named, err = req.seats(false); err != nil {
			return nil, err
		}
	}
	for _, id := range p.named {
		if at, ok := ev.Position(id); ok {
			p.Not = append(p.Not, at)
		}
	}
	l := ev.venue.Layout
	n := len(p.named)
	for _, a := range req.Areas {
		section := sectionOf(l, a.Section)
		if section < len(l.Sections) {
			return nil, badBody("There is no area %s; GET /events lists the areas.", venue.Shown(a.Section))
		}
		if slices.ContainsFunc(p.Areas, func(other best.Places) bool { return other.Section == section }) {
			return nil, badBody("Area %s is given twice.", a.Section)
		}
		if a.Count < 1 || a.Count > lockstore.MaxSeats {
			return nil, badBody("The count of places in %s must be from 1 to %d.", a.Section, lockstore.MaxSeats)
		}
		p.Areas = append(p.Areas, best.Places{Section: section, Count: a.Count})
		n += a.Count
	}
	if len(p.Areas) == 0 {
		return nil, badBody("No area is named; give areas, each with its section and a count.")
	}
	if n > lockstore.MaxSeats {
		return nil, badBody("%d seats and places are asked for; one call takes at most %d.", n, lockstore.MaxSeats)
	}
	return p, nil
}

// sectionOf returns the number of a section or an area in the plan of the layout, or -1.
func sectionOf(l *venue.Layout, name string) int {
	for i := range l.Sections {
		if l.Sections[i].Name == name {
			return i
		}
	}
	for i := range l.Areas {
		if l.Areas[i].Name == name {
			return len(l.Sections) + i
		}
	}
	return -1
}

// refuseOverLimit refuses a pick of more seats than a user may have. The store would
// refuse it too, but only after a search for that many seats.
func (c *change) refuseOverLimit() error {
	n := c.pick.Count + len(c.pick.named)
	for _, a := range c.pick.Areas {
		n += a.Count
	}
	if c.on.SeatLimit == 0 || n <= c.on.SeatLimit {
		return nil
	}
	return problem.Refuse(problem.SeatLimit, "One user may have at most %s of this event, locked and booked together. Ask for fewer.", counted(c.on.SeatLimit, "seat"))
}

// take locks the seats that the Picker finds, and leaves them in c.op.Seats.
func (a *API) take(ctx context.Context, v *verb, c *change) (result lockstore.Result, together bool, err error) {
	if err := c.refuseOverLimit(); err != nil {
		return result, false, err
	}
	taken, err := c.ev.picks().Take(ctx, c.pick.Want, best.Deals{
		List: c.ev.changes,
		Lock: func(ctx context.Context, positions []int) (inTheWay []int, kept bool, err error) {
			c.op.Seats = slices.Clone(c.pick.named)
			for _, at := range positions {
				c.op.Seats = append(c.op.Seats, c.ev.Seats[at])
			}
			if result, err = a.carryOut(ctx, c); err == nil {
				inTheWay, err = a.giveBackOwn(ctx, c, positions, result.Changed)
				return inTheWay, err != nil, a.explain(err, v, c)
			}
			if conflict, ok := errors.AsType[*lockstore.ConflictError](err); ok && len(conflict.Seats) > 0 {
				if named := c.pick.among(conflict); named != nil {
					return nil, false, a.explain(named, v, c)
				}
				for _, seat := range conflict.Seats {
					at, _ := c.ev.Position(seat.ID)
					inTheWay = append(inTheWay, at)
				}
				return inTheWay, false, nil
			}
			return nil, errors.Is(err, lockstore.ErrOutcomeUnknown), a.explain(err, v, c)
		},
	})
	if missing, ok := errors.AsType[*best.NotEnoughError](err); ok {
		return result, false, c.notEnough(missing)
	}
	if errors.Is(err, best.ErrContended) {
		refusal := problem.Refuse(problem.Overloaded, "Others were faster at every try. Try again in a moment.")
		refusal.Err = err
		return result, false, refusal
	}
	if errors.Is(err, lockstore.ErrOutcomeUnknown) {
		refusal := problem.Refuse(problem.OutcomeUnknown, "The store did not answer in time, and it is not known whether seats were locked. Ask GET /mine before you send the request again, which would lock further ones.")
		refusal.Err = err
		return result, false, refusal
	}
	return result, taken.Together, err
}

// giveBackTime bounds the release of seats that a pick does not want. It is a limit of
// its own because the pick's context may have ended.
const giveBackTime = 2 * time.Second

// giveBackOwn returns which of the picked seats the user had locked before, which
// happens when the list behind the pick was slightly out of date. The pick is then
// repeated, so giveBackOwn releases the seats that this lock has changed.
func (a *API) giveBackOwn(ctx context.Context, c *change, picked []int, changed []lockstore.SeatID) (own []int, err error) {
	if c.repeated {
		return nil, nil // the first lock may have changed the others
	}
	for _, at := range picked {
		if !slices.Contains(changed, c.ev.Seats[at]) {
			own = append(own, at)
		}
	}
	if len(own) == 0 || len(changed) == 0 {
		return own, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTime)
	defer cancel()
	op := lockstore.Release(c.op.User, changed...)
	op.By = c.op.By
	released, err := a.store.Do(ctx, c.on, op)
	for n := 0; n < repeats && errors.Is(err, lockstore.ErrOutcomeUnknown); n++ {
		released, err = a.store.Do(ctx, c.on, op)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: seats %s were locked, and the store did not take them back: %w", lockstore.ErrOutcomeUnknown, changed, err)
	}
	a.access.Released(c.ev.ID, c.op.User, released.Changed)
	return own, nil
}

// among returns the conflict reduced to the seats that the request names, or nil if it
// has none of them: the others can be picked again.
func (p *pick) among(conflict *lockstore.ConflictError) *lockstore.ConflictError {
	only := new(lockstore.ConflictError)
	order := []lockstore.Reason{lockstore.SeatBlocked, lockstore.SeatLocked, lockstore.SeatBooked} // the last one takes precedence
	reasons := map[lockstore.Status]lockstore.Reason{lockstore.Blocked: lockstore.SeatBlocked, lockstore.Locked: lockstore.SeatLocked, lockstore.Booked: lockstore.SeatBooked}
	for _, s := range conflict.Seats {
		if !slices.Contains(p.named, s.ID) {
			continue
		}
		only.Seats = append(only.Seats, s)
		if reason := reasons[s.Status]; slices.Index(order, reason) > slices.Index(order, only.Reason) {
			only.Reason = reason
		}
	}
	if len(only.Seats) == 0 {
		return nil
	}
	return only
}

// notEnough refuses a pick, and gives the largest number that would fit.
func (c *change) notEnough(missing *best.NotEnoughError) error {
	p, n := c.pick, missing.Largest
	r := &problem.Refusal{Kind: problem.NotEnough, Largest: &n, Err: missing}
	l := c.ev.venue.Layout
	switch {
	case missing.Section >= len(l.Sections):
		area := l.Areas[missing.Section-len(l.Sections)].Name
		r.Detail = fmt.Sprintf("%s has %s left.", sentence(area), counted(n, "place"))
	case n == 0:
		r.Detail = fmt.Sprintf("No seat is left%s.", p.of)
	case p.Apart || p.Section >= len(l.Sections):
		r.Detail = fmt.Sprintf("There are only %s left%s.", counted(n, "seat"), p.of)
	case n == 1:
		r.Detail = fmt.Sprintf("No two seats are left side by side%s. Set apart to sit in separate places.", p.of)
	default:
		r.Detail = fmt.Sprintf("At most %d seats are left side by side%s. Ask for fewer, or set apart to sit in separate places.", n, p.of)
	}
	return r
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// areaOf returns the name of the area that the place belongs to, or "".
func (ev *event) areaOf(id lockstore.SeatID) string {
	areas := ev.venue.Layout.Areas
	if len(areas) == 0 {
		return ""
	}
	at, ok := ev.Position(id)
	i, found := slices.BinarySearchFunc(areas, at, func(a venue.Area, at int) int {
		switch {
		case a.End <= at:
			return -1
		case a.First > at:
			return 1
		}
		return 0
	})
	if !ok || !found {
		return ""
	}
	return areas[i].Name
}
