package best

import (
	"slices"
)

// A Standing is the state of a seat for [Plan.Judge].
type Standing uint8

// A seat is Open if it is available, Held if somebody has a lock on it, and Gone if
// it is booked or blocked.
const (
	Open Standing = iota
	Held
	Gone
)

// Judge reports whether the seats at the positions asked may be locked. If that would
// leave a single seat alone, and another choice would not, it returns that choice: as
// many seats, of the same categories.
//
// A seat is left alone if it is open and ordinary, is next to a seat of the choice, and
// has no open neighbour any more. A seat that was alone before does not count. Seats of
// another category are neighbours, and special seats are not. Seats asked for that are
// Held are treated as the caller's own: the other choice keeps them, in the same span.
//
// The other choice is the nearest one: for each span that leaves a seat alone, in its
// own segment, then in the segments before and after it; then one for all spans
// together. The page has the same rule in singles.js.
func (p *Plan) Judge(asked []int, standing func(position int) Standing) (instead []int, ok bool) {
	j := judge{plan: p, standing: standing, chosen: make(map[int32]bool, len(asked))}
	slots := make([]int32, len(asked))
	for i, position := range asked {
		slots[i] = p.slotOf(position)
	}
	slices.Sort(slots)
	var others []int32 // special seats, and places of areas
	for _, slot := range slots {
		switch seat := &p.seats[slot]; {
		case seat.Position == wall || standing(seat.Position) == Gone:
			return nil, true // the store refuses it
		case seat.Special || p.segment[slot] == noSegment:
			others = append(others, slot)
		default:
			j.add(slot)
		}
	}
	if !slices.ContainsFunc(j.spans, j.leavesAlone) {
		return nil, true
	}
	choice := j.spanBySpan()
	if choice == nil {
		choice = j.together()
	}
	if choice == nil {
		return nil, true
	}
	choice = append(choice, others...)
	slices.Sort(choice)
	return p.positions(choice), false
}

// A judge judges one choice.
type judge struct {
	plan     *Plan
	standing func(position int) Standing
	spans    []span
	chosen   map[int32]bool // the open seats of the choice
}

// A span is a series of seats side by side that are asked for.
type span struct {
	start, n int32
	own      []int32 // those that are Held
}

func (s span) end() int32 { return s.start + s.n }

// stands returns the standing of a slot. Walls and special seats are Gone.
func (j *judge) stands(slot int32) Standing {
	s := &j.plan.seats[slot]
	if s.Position == wall || s.Special || j.plan.segment[slot] == noSegment {
		return Gone
	}
	return j.standing(s.Position)
}

func (j *judge) open(slot int32) bool { return j.stands(slot) == Open }

// add adds a seat to the choice, in order.
func (j *judge) add(slot int32) {
	if last := len(j.spans) - 1; last >= 0 && j.spans[last].end() == slot {
		j.spans[last].n++
	} else {
		j.spans = append(j.spans, span{start: slot, n: 1})
	}
	if j.open(slot) {
		j.chosen[slot] = true
	} else {
		s := &j.spans[len(j.spans)-1]
		s.own = append(s.own, slot)
	}
}

// leavesAlone reports whether a seat at either end of the span is left alone.
func (j *judge) leavesAlone(s span) bool { return j.alone(s.start-1) || j.alone(s.end()) }

// alone reports whether the choice leaves the seat alone.
func (j *judge) alone(slot int32) bool {
	return j.left(slot) && (j.chosen[slot-1] || j.chosen[slot+1]) && !j.left(slot-1) && !j.left(slot+1)
}

// left reports whether the seat is open and stays so.
func (j *judge) left(slot int32) bool { return j.open(slot) && !j.chosen[slot] }

// spanBySpan returns the slots of a choice that moves each span that leaves a seat
// alone, or nil.
func (j *judge) spanBySpan() []int32 {
	moved := judge{plan: j.plan, standing: j.standing, chosen: make(map[int32]bool, len(j.chosen)), spans: slices.Clone(j.spans)}
	for slot := range j.chosen {
		moved.chosen[slot] = true
	}
	for i, s := range moved.spans {
		if !moved.leavesAlone(s) {
			continue
		}
		moved.unchoose(s)
		start, ok := moved.nearest(s)
		if !ok {
			return nil
		}
		moved.spans[i].start = start
		moved.choose(moved.spans[i])
	}
	return moved.slots()
}

// together returns the slots of one window for all the open seats of the choice, or
// nil. Held seats must not move.
func (j *judge) together() []int32 {
	if len(j.spans) < 2 || slices.ContainsFunc(j.spans, func(s span) bool { return len(s.own) > 0 }) {
		return nil
	}
	var seats []int32
	for _, s := range j.spans {
		seats = slotsFrom(seats, s.start, int(s.n))
	}
	one := judge{plan: j.plan, standing: j.standing, chosen: make(map[int32]bool)}
	start, ok := one.nearestFor(j.spans[0].start, seats, nil)
	if !ok {
		return nil
	}
	return slotsFrom(nil, start, len(seats))
}

func (j *judge) choose(s span) {
	for slot := s.start; slot < s.end(); slot++ {
		if j.open(slot) {
			j.chosen[slot] = true
		}
	}
}

func (j *judge) unchoose(s span) {
	for slot := s.start; slot < s.end(); slot++ {
		delete(j.chosen, slot)
	}
}

// slots returns the slots of all spans, or nil if they leave a seat alone.
func (j *judge) slots() []int32 {
	var all []int32
	for _, s := range j.spans {
		if j.leavesAlone(s) {
			return nil
		}
		all = slotsFrom(all, s.start, int(s.n))
	}
	return all
}

// nearest returns the nearest other window for the span, whose seats must not be in
// j.chosen.
func (j *judge) nearest(s span) (start int32, ok bool) {
	return j.nearestFor(s.start, slotsFrom(nil, s.start, int(s.n)), s.own)
}

// nearestFor returns the start of the window nearest to from that has seats of the
// same categories in the same order, has the own seats, and leaves none alone.
func (j *judge) nearestFor(from int32, seats, own []int32) (start int32, ok bool) {
	home := j.plan.segment[from]
	offset := from - j.plan.segments[home].first
	if start, ok = j.nearestIn(home, offset, seats, own); ok || len(own) > 0 {
		return start, ok
	}
	for d := int32(1); d < int32(len(j.plan.segments)); d++ {
		for _, at := range [...]int32{home - d, home + d} {
			if at < 0 || at >= int32(len(j.plan.segments)) {
				continue
			}
			if start, ok = j.nearestIn(at, offset, seats, nil); ok {
				return start, true
			}
		}
	}
	return 0, false
}

// nearestIn returns the start of the fitting window of a segment that is nearest to
// the offset.
func (j *judge) nearestIn(segment, offset int32, seats, own []int32) (start int32, ok bool) {
	s := &j.plan.segments[segment]
	n := int32(len(seats))
	for d := range max(offset, s.end-s.first) + 1 {
		for _, at := range [...]int32{s.first + offset - d, s.first + offset + d} {
			if at >= s.first && at+n <= s.end && j.suits(at, seats, own) {
				return at, true
			}
		}
	}
	return 0, false
}

// suits reports whether the window at start suits the seats.
func (j *judge) suits(start int32, seats, own []int32) bool {
	covered := 0
	for i, seat := range seats {
		at := start + int32(i)
		if j.plan.seats[at].Category != j.plan.seats[seat].Category {
			return false
		}
		switch {
		case slices.Contains(own, at):
			covered++
		case !j.left(at):
			return false
		}
	}
	if covered < len(own) {
		return false
	}
	w := span{start: start, n: int32(len(seats))}
	j.choose(w)
	alone := j.leavesAlone(w)
	for at := w.start; at < w.end(); at++ {
		if !slices.Contains(own, at) {
			delete(j.chosen, at)
		}
	}
	return !alone
}
