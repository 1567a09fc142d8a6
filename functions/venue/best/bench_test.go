package best

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkPick picks four seats of 50,000 and sells them, in a venue that is half
// sold, with different numbers of windows to choose among. When it is sold out, it
// begins anew.
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
			for b.Loop() {
				try, missing, _ := p.begin(want, c.m)
				if missing != nil {
					b.StopTimer()
					p = halfSold()
					b.StartTimer()
					continue
				}
				p.end(try, nil, true)
			}
		})
	}
	b.Run("cold", func(b *testing.B) {
		// No segment has been looked at, and each must be: all windows leave a single.
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
