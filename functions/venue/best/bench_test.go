package best

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"seatlock/lockstore/storetest/faults"
)

// BenchmarkPick picks four seats of 50,000 and sells them, in a venue that is half
// sold, with different numbers of windows to choose among. It starts over when the
// venue is sold out. On a busy machine, look at cpu-ns/op.
func BenchmarkPick(b *testing.B) {
	plan := hall(500, 100, oneCategory, nothingSpecial)
	want := Want{Count: 4, Category: Any, Section: Any}
	halfSold := func() *Picker {
		rnd := rand.New(rand.NewPCG(1, 2))
		p := NewPicker(plan, 1, rnd)
		for at := range len(plan.slots) {
			if at < len(plan.slots)/3 || rnd.IntN(4) == 0 {
				p.listed.add(plan.slots[at])
				p.set(plan.slots[at])
			}
		}
		p.begin(want, 1)
		return p
	}
	for _, c := range []struct {
		name string
		m    int
	}{{"warm/m=1", 1}, {"warm/m=16", 16}, {"warm/m=256", 256}} {
		b.Run(c.name, func(b *testing.B) {
			p := halfSold()
			began := faults.ProcessorTime(b)
			for b.Loop() {
				try, missing, _ := p.begin(want, c.m)
				if missing != nil {
					b.StopTimer()
					again := faults.ProcessorTime(b)
					p = halfSold()
					began += faults.ProcessorTime(b) - again
					b.StartTimer()
					continue
				}
				p.end(try, nil, true)
			}
			b.ReportMetric(float64(faults.ProcessorTime(b)-began)/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("cold", func(b *testing.B) {
		// No segment has been looked at yet, and all must be, since all windows leave a
		// single.
		p := NewPicker(plan, 1, rand.New(rand.NewPCG(1, 2)))
		for at := range plan.slots {
			if at%6 == 5 {
				p.listed.add(plan.slots[at])
				p.set(plan.slots[at])
			}
		}
		for b.Loop() {
			p.boards = nil
			if p.best(filter{Any, Any}, 4, 16) == nil {
				b.Fatal("nothing was found")
			}
		}
	})
}

// BenchmarkPlaces picks 1 to 6 places of an area of 20,000 and sells them, with a list
// of the event after every 200. It starts over when the area is sold out.
func BenchmarkPlaces(b *testing.B) {
	const places = 20_000
	plan := NewPlan(nil, []Area{{Section: 0, Places: places}})
	var p *Picker
	left := 0
	for i := 0; b.Loop(); i++ {
		if left < 6 {
			p, left = NewPicker(plan, 1, newRnd(1)), places
		}
		want := Want{Category: Any, Section: Any, Areas: []Places{{Section: 0, Count: 1 + i%6}}}
		try, missing, _ := p.begin(want, 1)
		if missing != nil {
			b.Fatal(missing)
		}
		left -= len(try.slots)
		p.end(try, nil, true)
		if i%200 == 0 {
			p.Update(p.Begin(), time.Now(), func(set func(int, bool)) {
				for _, n := range p.newest {
					set(plan.seats[n.slot].Position, true)
				}
			})
		}
	}
}

// BenchmarkApart picks seats for a party that sits in many pieces, in 50,000 seats that
// are in boxes of two or alone. All other picks of the event wait for such a pick.
func BenchmarkApart(b *testing.B) {
	for _, c := range []struct{ box, n int }{{2, 200}, {2, 12}, {1, 200}, {1, 12}} {
		b.Run(fmt.Sprintf("boxes of %d/party of %d", c.box, c.n), func(b *testing.B) {
			var segments []Segment
			for at := 0; at < 50_000; at += c.box {
				s := Segment{}
				for i := range c.box {
					s.Seats = append(s.Seats, Seat{Position: at + i, X: 10 * ((at + i) % 200), Y: 17 * (at / 200)})
				}
				segments = append(segments, s)
			}
			p := NewPicker(NewPlan(segments, nil), 1, newRnd(1))
			for b.Loop() {
				if slots := p.apart(filter{Any, Any}, c.n); len(slots) != c.n {
					b.Fatalf("%d seats were found, want %d", len(slots), c.n)
				}
			}
		})
	}
}

// BenchmarkJudge judges a pair at the end of a row of 50,000 seats, where no other
// choice exists.
func BenchmarkJudge(b *testing.B) {
	plan := hall(500, 100, oneCategory, nothingSpecial)
	standing := func(position int) Standing {
		if position%50 > 2 {
			return Gone
		}
		return Open
	}
	for b.Loop() {
		if _, ok := plan.Judge([]int{0, 1}, standing); !ok {
			b.Fatal("there is another choice")
		}
	}
}
