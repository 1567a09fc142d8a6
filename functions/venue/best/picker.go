package best

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A Picker finds seats of one event. It is safe for concurrent use.
//
// What it knows comes from lists of the event ([Picker.Update]), and from the results
// of its callers' tries since the last list began.
type Picker struct {
	plan  *Plan
	least int // the least number of windows among which a try chooses

	mu     sync.Mutex
	rnd    *rand.Rand
	free   bitset        // slots that a pick may take
	listed bitset        // slots that are not available according to the lists
	trying bitset        // slots that callers are trying to lock
	learnt bitset        // slots that turned out to be taken since the lists
	newest []news        // what was learnt, in order
	again  map[int32]int // how many more times than once a slot is in newest

	after     []int32 // the slots after the last places of each area
	now       Moment
	updated   time.Time // when the list of the last update began; zero before it
	conflicts float64   // the share of the last tries that failed
	boards    []*board  // the most recently used last
	nearest   []window  // of the last pick; kept to reuse its memory
	queue     queue
}

// A Moment orders what a [Picker] learns.
type Moment uint64

// news is that a slot turned out to be taken.
type news struct {
	slot int32
	at   Moment
}

// NewPicker returns a Picker of the plan that considers every seat available. It makes
// random choices with rnd. Every choice is among the best least windows, or more where
// others compete; 1 is best for a process that serves all callers of an event.
func NewPicker(plan *Plan, least int, rnd *rand.Rand) *Picker {
	n := len(plan.seats)
	p := &Picker{plan: plan, least: least, rnd: rnd,
		free: newBitset(n), listed: newBitset(n), trying: newBitset(n), learnt: newBitset(n),
		again: make(map[int32]int)}
	for _, a := range plan.areas {
		p.after = append(p.after, a.slot)
	}
	for i, s := range plan.seats {
		if s.Position != wall && !s.Special {
			p.free.add(int32(i))
		}
	}
	return p
}

// Begin returns the moment at which a list begins, for [Picker.Update].
func (p *Picker) Begin() Moment {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now++
	return p.now
}

// Update applies a list of the event, which began at that moment. The function changes
// must call set with every position that may have changed since the last update, and
// whether it is taken. It is called while no other method of the Picker runs, and must
// not call the Picker.
//
// What was learnt after the list began is kept, since the list may be older.
func (p *Picker) Update(began Moment, at time.Time, changes func(set func(position int, taken bool))) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changes(func(position int, taken bool) {
		slot := p.plan.slotOf(position)
		if slot == 0 {
			return
		}
		if taken {
			p.listed.add(slot)
		} else {
			p.listed.remove(slot)
		}
		p.set(slot)
	})
	for len(p.newest) > 0 {
		n := p.newest[0]
		if n.at >= began {
			break
		}
		p.newest = p.newest[1:]
		p.forget(n.slot)
	}
	if at.After(p.updated) {
		p.updated = at
	}
}

// learn records that slots turned out to be taken.
func (p *Picker) learn(slots ...int32) {
	p.now++
	for _, slot := range slots {
		if p.learnt.has(slot) {
			p.again[slot]++
		}
		p.learnt.add(slot)
		p.newest = append(p.newest, news{slot, p.now})
		p.set(slot)
	}
}

// forget undoes learn for a slot, unless it was learnt again since.
func (p *Picker) forget(slot int32) {
	switch p.again[slot] {
	case 0:
		p.learnt.remove(slot)
		p.set(slot)
	case 1:
		delete(p.again, slot)
	default:
		p.again[slot]--
	}
}

// try sets whether slots are being tried.
func (p *Picker) try(slots []int32, tried bool) {
	for _, slot := range slots {
		if tried {
			p.trying.add(slot)
		} else {
			p.trying.remove(slot)
		}
		p.set(slot)
	}
}

// set updates whether the slot is free.
func (p *Picker) set(slot int32) {
	free := !p.learnt.has(slot) && !p.listed.has(slot) && !p.trying.has(slot) && !p.plan.seats[slot].Special
	if free == p.free.has(slot) {
		return
	}
	if free {
		p.free.add(slot)
	} else {
		p.free.remove(slot)
	}
	if s := p.plan.segment[slot]; s != noSegment {
		for _, b := range p.boards {
			b.change(s)
		}
	}
}
