package best

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// hall returns a plan of rows of seats with an aisle in the middle of each. Depending
// on the functions, rows have two categories or wheelchair places.
func hall(rows, seats int, categories func(row, seat int) int, special func(row, seat int) bool) *Plan {
	var segments []Segment
	position := 0
	for r := range rows {
		for _, half := range [2]int{0, 1} {
			s := Segment{Section: r / 10}
			for i := range seats / 2 {
				seat := half*(seats/2) + i
				s.Seats = append(s.Seats, Seat{
					Position: position, X: 10*seat - 5*seats + 10*half, Y: 17 * r,
					Category: categories(r, seat), Special: special(r, seat),
				})
				position++
			}
			segments = append(segments, s)
		}
	}
	return NewPlan(segments, nil)
}

func oneCategory(int, int) int      { return 0 }
func nothingSpecial(int, int) bool  { return false }
func newRnd(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 20)) }

func take(p *Picker, positions ...int) {
	p.Update(p.Begin(), time.Time{}, func(set func(int, bool)) {
		for _, at := range positions {
			set(at, true)
		}
	})
}

// simple returns all windows of n seats of a segment and their classes, with a simple
// algorithm.
func (p *Picker) simple(s *segment, n int32, category int) []window {
	var all []window
	for start := s.first; start+n <= s.end; start++ {
		w := window{start: start}
		suits, categories := true, make(map[int]bool)
		for at := start; at < start+n; at++ {
			seat := p.plan.seats[at]
			suits = suits && p.free.has(at) && (category == Any || seat.Category == category)
			categories[seat.Category] = true
			w.cost += cost(seat)
		}
		if !suits {
			continue
		}
		if len(categories) > 1 {
			w.class |= mixed
		}
		for _, at := range [2]int32{start - 1, start + n} {
			in := func(at int32) bool { return at >= start && at < start+n }
			if p.free.has(at) && (in(at-1) || !p.free.has(at-1)) && (in(at+1) || !p.free.has(at+1)) {
				w.class |= leavesSingle
			}
		}
		all = append(all, w)
	}
	return all
}

// TestPickIsTheBest compares the windows that a picker finds after random changes with
// those of a new picker.
func TestPickIsTheBest(t *testing.T) {
	rnd := newRnd(1)
	plan := hall(12, 22,
		func(row, seat int) int { return min(row/4+seat/16, 2) },
		func(row, seat int) bool { return row == 5 && seat < 3 })
	p := NewPicker(plan, 1, rnd)
	taken := make([]bool, len(plan.slots))
	for range 1500 {
		p.Update(p.Begin(), time.Time{}, func(set func(int, bool)) {
			for range 1 + rnd.IntN(6) {
				at := rnd.IntN(len(taken))
				taken[at] = !taken[at]
				set(at, taken[at])
			}
		})
		f := filter{rnd.IntN(4) - 1, rnd.IntN(4) - 1}
		f.section = min(f.section, 1)
		n, m := 1+rnd.IntN(6), 1+rnd.IntN(20)
		got := slices.Clone(p.best(f, n, m))

		fresh := NewPicker(plan, 1, rnd) // has not looked at any segment
		copy(fresh.free, p.free)
		var want, simple []window
		for i := range plan.segments {
			if s := &plan.segments[i]; f.section == Any || s.section == f.section {
				want = fresh.windows(want, s, int32(n), f.category)
				simple = append(simple, fresh.simple(s, int32(n), f.category)...)
			}
		}
		order := func(a, b window) int {
			return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.cost, b.cost))
		}
		slices.SortFunc(want, order)
		slices.SortFunc(got, order)
		slices.SortFunc(simple, order)
		if len(want) > 0 {
			want = slices.DeleteFunc(want, func(w window) bool { return w.class != want[0].class })
			want = want[:min(m, len(want))]
		}
		if !slices.EqualFunc(got, want, func(a, b window) bool { return order(a, b) == 0 }) {
			t.Fatalf("the %d best windows of %d for %+v are %v, want %v", m, n, f, got, want)
		}
		if len(simple) == 0 != (len(got) == 0) {
			t.Fatalf("there are %d windows of %d for %+v, and %d are found", len(simple), n, f, len(got))
		}
		for i, w := range got {
			// Which windows of a class are offered depends on the remaining room, but
			// the class must be the best, and windows must not overlap.
			if w.class != simple[0].class || !slices.Contains(simple, w) {
				t.Fatalf("the window %+v of %d for %+v was found, want class %d", w, n, f, simple[0].class)
			}
			for _, other := range got[:i] {
				if w.start < other.start+int32(n) && other.start < w.start+int32(n) {
					t.Fatalf("the windows %+v and %+v of %d overlap", w, other, n)
				}
			}
		}
	}
}

// TestSameSeedSamePicks checks that choices depend only on the random source.
func TestSameSeedSamePicks(t *testing.T) {
	sell := func(seed uint64) (all []int) {
		p := NewPicker(hall(10, 20, oneCategory, nothingSpecial), 16, newRnd(seed))
		for range 30 {
			try, _, _ := p.begin(Want{Count: 2, Category: Any, Section: Any}, 1)
			p.end(try, nil, true)
			all = append(all, p.plan.positions(try.slots)...)
		}
		return all
	}
	if !slices.Equal(sell(1), sell(1)) || slices.Equal(sell(1), sell(2)) {
		t.Error("equal seeds give different seats, or different seeds equal ones")
	}
}

// TestSellsAllThatFits checks that parties of one size fill each run as far as
// possible, whatever was taken before, and that no party crosses an aisle or gets a
// special seat.
func TestSellsAllThatFits(t *testing.T) {
	rnd := newRnd(3)
	for n := 1; n <= 5; n++ {
		plan := hall(20, 34, oneCategory, func(row, seat int) bool { return row == 7 && seat%6 == 0 })
		p := NewPicker(plan, 1, rnd)
		for range 100 {
			take(p, rnd.IntN(len(plan.slots)))
		}
		fits := 0
		for _, r := range p.runs(filter{Any, Any}) {
			fits += int(r.n) / n
		}
		sold := 0
		for {
			try, missing, _ := p.begin(Want{Count: n, Category: Any, Section: Any}, 1+rnd.IntN(64))
			if missing != nil {
				break
			}
			sold++
			for i, slot := range try.slots {
				if s := plan.seats[slot]; s.Special || plan.segment[slot] != plan.segment[try.slots[0]] || slot != try.slots[0]+int32(i) {
					t.Fatalf("a party of %d got the slots %v, which are special or not side by side", n, try.slots)
				}
			}
			p.end(try, nil, true)
		}
		if sold != fits {
			t.Errorf("%d parties of %d were seated, want %d", sold, n, fits)
		}
	}
}

// TestMiddleOfTheFirstRow checks the best seats of an empty venue.
func TestMiddleOfTheFirstRow(t *testing.T) {
	var seats []Seat
	for i := range 9 {
		seats = append(seats, Seat{Position: i, X: 10*i - 40})
	}
	p := NewPicker(NewPlan([]Segment{{Seats: seats}}, nil), 1, newRnd(1))
	try, _, _ := p.begin(Want{Count: 3, Category: Any, Section: Any}, 1)
	if got, want := p.plan.positions(try.slots), []int{3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("a party of three got %v, want %v", got, want)
	}
}

// TestApart checks the pieces of a party that does not fit side by side.
func TestApart(t *testing.T) {
	for _, c := range []struct {
		rows []string // o is an available seat
		n    int
		want []int // the sizes of the pieces
	}{
		{[]string{"ooo.ooo", "oo.oo.oo"}, 4, []int{2, 2}},
		{[]string{"ooo.ooo", "oo.oo.oo"}, 5, []int{3, 2}},
		{[]string{"ooo.ooo", "oo.oo.oo"}, 6, []int{3, 3}},
		{[]string{"oo.oo.oo", "o.o.o.o"}, 6, []int{2, 2, 2}},
		{[]string{"oo.o.o", "oo.o.o"}, 5, []int{2, 2, 1}},
		{[]string{"o.o.o", "o.o.o"}, 3, []int{1, 1, 1}},
		{[]string{"o.o.o", "o.o.o"}, 7, nil},
		{[]string{"oooooooo", "ooooooooo"}, 16, []int{9, 7}},
		{[]string{"oooooooo", "oooooooo", "oo"}, 17, []int{8, 7, 2}},
		{[]string{"ooooooooooooo", "o"}, 14, []int{13, 1}},
		{[]string{"ooooooo", "oooooo", "o"}, 14, []int{7, 6, 1}},
		{[]string{"oooooooooooo", "o"}, 13, []int{12, 1}},
	} {
		var segments []Segment
		var taken []int
		position := 0
		for r, row := range c.rows {
			var s Segment
			for i, letter := range row {
				if letter != 'o' {
					taken = append(taken, position)
				}
				s.Seats = append(s.Seats, Seat{Position: position, X: 10 * i, Y: 17 * r})
				position++
			}
			segments = append(segments, s)
		}
		p := NewPicker(NewPlan(segments, nil), 1, newRnd(5))
		take(p, taken...)
		slots := slices.Sorted(slices.Values(p.apart(filter{Any, Any}, c.n)))
		var got []int
		for i, slot := range slots {
			if !p.free.has(slot) || i > 0 && slot == slots[i-1] {
				t.Errorf("%q: the slots %v are taken, or there twice", c.rows, slots)
			}
			if i > 0 && slot == slots[i-1]+1 {
				got[len(got)-1]++
			} else {
				got = append(got, 1)
			}
		}
		slices.SortFunc(got, func(a, b int) int { return b - a })
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: a party of %d sits in pieces of %v, want %v", c.rows, c.n, got, c.want)
		}
	}
}

// TestApartTakesWhatThereIs checks that a party that may sit apart is never refused
// while there are enough seats.
func TestApartTakesWhatThereIs(t *testing.T) {
	rnd := newRnd(6)
	plan := hall(6, 16, func(row, _ int) int { return row / 3 }, nothingSpecial)
	for range 400 {
		p := NewPicker(plan, 1, rnd)
		for range rnd.IntN(150) {
			take(p, rnd.IntN(len(plan.slots)))
		}
		f := filter{Any, rnd.IntN(3) - 1}
		n := 1 + rnd.IntN(40)
		try, missing, _ := p.begin(Want{Count: n, Section: Any, Category: f.category, Apart: true}, 1)
		if there := p.available(f); (try == nil) != (try == nil && there < n || missing != nil && there < n) || missing != nil && missing.Largest != there {
			t.Fatalf("a party of %d found %v and %+v of %d seats", n, try, missing, there)
		}
		if try != nil && len(try.slots) != n {
			t.Fatalf("a party of %d got %d seats", n, len(try.slots))
		}
	}
}

// TestPlaces checks that places of an area are taken until there are no more.
func TestPlaces(t *testing.T) {
	plan := NewPlan([]Segment{{Section: 0, Seats: []Seat{{Position: 0}, {Position: 1}}}}, []Area{{Section: 1, Category: 7, First: 2, Places: 300}})
	p := NewPicker(plan, 1, newRnd(7))
	got := make(map[int]bool)
	for range 60 {
		try, missing, _ := p.begin(Want{Areas: []Places{{1, 5}}}, 1)
		if missing != nil {
			t.Fatalf("after %d places there are no more: %+v", len(got), missing)
		}
		for _, at := range p.plan.positions(try.slots) {
			if at < 2 || at >= 302 || got[at] {
				t.Fatalf("the place %d is no place, or was taken before", at)
			}
			got[at] = true
		}
		p.end(try, nil, true)
	}
	if _, missing, _ := p.begin(Want{Areas: []Places{{1, 1}}}, 1); missing == nil || missing.Section != 1 || missing.Largest != 0 {
		t.Errorf("one more place: %+v, want none of area 1", missing)
	}
	// A category that only an area has is picked there.
	p = NewPicker(plan, 1, newRnd(8))
	if try, missing, _ := p.begin(Want{Count: 2, Category: 7, Section: Any}, 1); missing != nil || p.plan.positions(try.slots)[0] < 2 {
		t.Errorf("two of the area's category: %+v, %+v", try, missing)
	}
}

// TestPlacesOfASharedCategory checks that a party that asks for a category gets places
// of an area when the seats are sold out, and that a party without a category does not.
func TestPlacesOfASharedCategory(t *testing.T) {
	plan := NewPlan([]Segment{{Seats: []Seat{{Position: 0, Category: 7}, {Position: 1, Category: 7}}}}, []Area{{Section: 1, Category: 7, First: 2, Places: 5}})
	p := NewPicker(plan, 1, newRnd(7))
	take(p, 0)
	for n, first := range map[int]int{1: 1, 2: 2} {
		try, missing, _ := p.begin(Want{Count: n, Category: 7, Section: Any}, 1)
		if missing != nil || p.plan.positions(try.slots)[0] != first {
			t.Fatalf("%d of the category: %+v, %+v, want the position %d first", n, try, missing, first)
		}
		p.end(try, nil, false)
	}
	if _, missing, _ := p.begin(Want{Count: 6, Category: 7, Section: Any, Apart: true}, 1); missing == nil || missing.Largest != 5 {
		t.Errorf("six of the category: %+v, want five at most", missing)
	}
	if _, missing, _ := p.begin(Want{Count: 2, Category: Any, Section: Any}, 1); missing == nil || missing.Largest != 1 {
		t.Errorf("two of any category: %+v, want one at most", missing)
	}
}
