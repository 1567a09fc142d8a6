package best

import (
	"math/rand/v2"
	"sync"
	"time"
)

// A Picker finds seats of one event. It is safe for concurrent use.
//
// What it knows comes from lists of the event ([Picker.Update]), and from what
// happened to the tries of its callers since the last list began.
type Picker struct {
	plan  *Plan
	least int // how many windows a try chooses among, at least

	mu     sync.Mutex
	rnd    *rand.Rand
	free   bitset        // which slots a pick may take
	listed bitset        // which are not available according to the lists
	trying bitset        // which callers are trying to lock
	learnt bitset        // which are taken, as was learnt since the lists
	newest []news        // what was learnt, in order
	again  map[int32]int // how often more than once newest has a slot

	after     []int32 // where the last places of each area ended
	now       Moment
	updated   time.Time // when the list of the last update began; zero before it
	conflicts float64   // the share of the last tries that failed
	boards    []*board  // the last used one last
	nearest   []window  // of the last pick; kept for its memory
	queue     queue
}

// A Moment orders what a [Picker] learns.
type Moment uint64

// news is that a slot is taken.
type news struct {
	slot int32
	at   Moment
}

// NewPicker returns a Picker of the plan, to which every seat is available. It makes
// random choices with rnd. Every choice is among the best least windows, or more where
// others compete: 1 is the best for a process that serves all callers of an event.
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

// Begin returns the moment at which a list begins. [Picker.Update] needs it.
func (p *Picker) Begin() Moment {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now++
	return p.now
}

// Update takes over a list of the event, which began at that moment. The function
// changes must call set with every position that may have changed since the update
// before, and whether it is taken. It is called while no other call of the Picker
// goes on, and must not call the Picker.
//
// What was learnt after the list began stays true: the list may be older.
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

// learn records that slots are taken.
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

// forget undoes learn for a slot, unless it was learnt once more since.
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

// try marks slots as being tried, or not any more.
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

// set makes the slot free or not, by what is known of it.
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
