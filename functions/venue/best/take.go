package best

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	maxTries = 32

	// maxRounds is how often a call that finds nothing waits and looks again.
	maxRounds = 8

	// stale is the age of a list after which a call asks for another before it picks.
	// It bounds the time until released seats are seen.
	stale = 100 * time.Millisecond

	// takeTime bounds a call. It may wait for another caller's lock that hangs, and a
	// client must know when an unanswered call has ended: the pickTime of package
	// client depends on this.
	takeTime = 3 * time.Second

	// crowded is the least number of windows among which a try chooses after one that
	// failed, and mostWindows the greatest.
	crowded     = 16
	mostWindows = 256
)

// A Want is what a caller wants: a party of Count seats, places of areas, or both.
type Want struct {
	Count    int  // 0 for no party
	Category int  // of the party's seats, or [Any]
	Section  int  // of the party's seats, or [Any]
	Apart    bool // the party may sit in several pieces

	Areas []Places
	Not   []int // positions not to pick for Areas, because the caller names them itself
}

// Places are places of an area.
type Places struct{ Section, Count int }

// A NotEnoughError is returned when there are not enough seats or places.
type NotEnoughError struct {
	Section int // of the area that has too few places; Any if seats for the party are missing

	// Largest is the largest number available: of seats side by side, of seats if the
	// party may sit apart, or of places of the area.
	Largest int
}

func (e *NotEnoughError) Error() string {
	return fmt.Sprintf("best: not enough seats: at most %d can be taken", e.Largest)
}

// ErrContended is returned when others were faster at every try, or have been trying to
// lock the remaining seats for too long.
var ErrContended = errors.New("best: others are locking the same seats")

// Deals are the functions with which a [Picker] locks and lists seats.
type Deals struct {
	// Lock locks the seats at these positions, all or none, and returns the positions
	// that others have taken. An error ends the search. If it is not known whether the
	// lock took effect, kept is set with the error.
	Lock func(ctx context.Context, seats []int) (taken []int, kept bool, err error)

	// List reads a list of the event that begins after the call, and returns its
	// changes as [Picker.Update] needs them.
	List func(ctx context.Context) (changes func(set func(position int, taken bool)), err error)
}

// Taken are the positions that were locked.
type Taken struct {
	Seats    []int // of the party, then of the areas
	Together bool  // whether the party sits side by side
}

// Take picks what is wanted, locks it, and picks again if others were faster. The error
// is that of Lock or List, or of the context, a [*NotEnoughError], or [ErrContended],
// after which nothing is locked. It ends within about three seconds, when the context
// of Lock and List ends.
//
// Callers of one Picker never try the same seats. The more tries have failed lately,
// because other processes sell too, the more windows a try chooses among.
func (p *Picker) Take(ctx context.Context, w Want, d Deals) (Taken, error) {
	bounded, cancel := context.WithTimeout(ctx, takeTime)
	defer cancel()
	if p.isStale(time.Now()) {
		if err := p.list(bounded, d); err != nil {
			return Taken{}, err
		}
	}
	rounds, widen := 0, 1
	for tries := 0; tries < maxTries; {
		t, missing, sure := p.begin(w, widen)
		if t == nil {
			if rounds++; rounds > maxRounds {
				return Taken{}, missing
			}
			if rounds > 1 && sure {
				return Taken{}, missing
			}
			if err := p.wait(bounded); err != nil {
				if ctx.Err() == nil {
					err = ErrContended
				}
				return Taken{}, err
			}
			if err := p.list(bounded, d); err != nil {
				return Taken{}, err
			}
			continue
		}
		tries++
		taken, err := p.carryOut(bounded, t, d)
		switch {
		case err != nil:
			return Taken{}, err
		case len(taken) == 0:
			return Taken{p.plan.positions(t.slots), t.together}, nil
		}
		if err := p.list(bounded, d); err != nil {
			return Taken{}, err
		}
		widen = max(crowded, min(4*widen, mostWindows))
	}
	return Taken{}, ErrContended
}

// carryOut locks the seats of a try and ends it. If Lock panics, its outcome is
// unknown.
func (p *Picker) carryOut(ctx context.Context, t *try, d Deals) (taken []int, err error) {
	won := true
	defer func() { p.end(t, taken, won) }()
	taken, kept, err := d.Lock(ctx, p.plan.positions(t.slots))
	won = err == nil && len(taken) == 0 || kept
	return taken, err
}

func (p *Picker) isStale(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.updated.IsZero() || now.Sub(p.updated) > stale
}

// list reads a list that begins now.
func (p *Picker) list(ctx context.Context, d Deals) error {
	began, at := p.Begin(), time.Now()
	changes, err := d.List(ctx)
	if err != nil {
		return err
	}
	p.Update(began, at, changes)
	return nil
}

// positions returns the positions of slots.
func (p *Plan) positions(slots []int32) []int {
	all := make([]int, len(slots))
	for i, slot := range slots {
		all[i] = p.seats[slot].Position
	}
	return all
}

// begin begins a try, or returns what is missing. It chooses among at least widen
// windows. The result is sure if no try is under way and nothing was learnt since the
// last list: what is missing was then missing when the list was made.
func (p *Picker) begin(w Want, widen int) (t *try, missing *NotEnoughError, sure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, missing = p.find(w, widen); missing != nil {
		return nil, missing, len(p.queue.tries) == 0 && len(p.newest) == 0
	}
	p.queue.begin(t)
	p.try(t.slots, true)
	return t, nil, false
}

// find returns a try of what is wanted, or what is missing.
func (p *Picker) find(w Want, widen int) (*try, *NotEnoughError) {
	m := min(max(p.least, widen, 1+int(64*p.conflicts)), mostWindows)
	t := &try{together: true}
	if w.Count > 0 {
		var missing *NotEnoughError
		if t.slots, t.together, missing = p.party(w, m); missing != nil {
			return nil, missing
		}
	}
	defer p.hide(w.Not)()
	for _, want := range w.Areas {
		for _, i := range p.plan.areasFor(filter{want.Section, Any}) {
			a := &p.plan.areas[i]
			slots := p.places(i, want.Count, m)
			if slots == nil {
				return nil, &NotEnoughError{Section: a.Section, Largest: p.free.count(a.slot, a.slot+int32(a.Places))}
			}
			t.slots = append(t.slots, slots...)
		}
	}
	return t, nil
}

// hide makes positions not free until the returned function is called.
func (p *Picker) hide(positions []int) (show func()) {
	var hidden []int32
	for _, at := range positions {
		if slot := p.plan.slotOf(at); p.free.has(slot) {
			p.free.remove(slot)
			hidden = append(hidden, slot)
		}
	}
	return func() {
		for _, slot := range hidden {
			p.free.add(slot)
		}
	}
}

// party chooses seats for a party: side by side if possible, otherwise in pieces if
// w.Apart allows it. If it finds none, it chooses places of an area, provided that an
// area has the wanted category or that no seat matches at all.
func (p *Picker) party(w Want, m int) (slots []int32, together bool, missing *NotEnoughError) {
	f := filter{w.Section, w.Category}
	largest := 0
	seats := p.plan.has(f)
	if seats {
		if slots := p.choose(f, w.Count, m); slots != nil {
			return slots, true, nil
		}
		if w.Apart {
			if slots := p.apart(f, w.Count); slots != nil {
				return slots, false, nil
			}
			largest = p.available(f)
		} else {
			largest = p.longest(f)
		}
	}
	if !seats || w.Category != Any {
		for _, i := range p.plan.areasFor(f) {
			a := &p.plan.areas[i]
			if slots := p.places(i, w.Count, m); slots != nil {
				return slots, true, nil
			}
			largest = max(largest, p.free.count(a.slot, a.slot+int32(a.Places)))
		}
	}
	return nil, false, &NotEnoughError{Section: Any, Largest: largest}
}

// end ends a try. The positions taken belong to others. won is set if the caller has
// its seats, as far as is known.
func (p *Picker) end(t *try, taken []int, won bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lost := 0.0
	if len(taken) > 0 {
		lost = 1
	}
	p.conflicts += (lost - p.conflicts) / 16
	if won {
		p.learn(t.slots...)
	}
	for _, position := range taken {
		if slot := p.plan.slotOf(position); slot != 0 {
			p.learn(slot)
		}
	}
	p.try(t.slots, false)
	p.queue.end(t, won)
}

// wait waits until all tries that are under way have ended, or one has failed.
func (p *Picker) wait(ctx context.Context) error {
	p.mu.Lock()
	wake := p.queue.wait()
	p.mu.Unlock()
	if wake == nil {
		return nil
	}
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
