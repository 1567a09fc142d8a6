package best_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"

	"seatlock/functions/venue/best"
)

// A choice is a case of the rule for single seats. A row is a segment with one letter
// for each seat: a and b are open seats of two categories, h is held, w is an open
// wheelchair place, x is gone. Seats are given by row and number in the row, from 0.
type choice struct {
	Name    string   `json:"name,omitempty"`
	Rows    []string `json:"rows"`
	Asked   [][2]int `json:"asked"`
	Instead [][2]int `json:"instead"` // nil if the choice is allowed
}

// A house is the rows of a choice, as a plan.
type house struct {
	plan      *best.Plan
	rows      []string
	seats     [][2]int // by position
	positions [][]int  // by row and number
}

func newHouse(rows []string) *house {
	h := &house{rows: rows, positions: make([][]int, len(rows))}
	var segments []best.Segment
	for r, row := range rows {
		s := best.Segment{}
		for i, letter := range row {
			seat := best.Seat{Position: len(h.seats), X: 10 * i, Y: 17 * r, Special: letter == 'w'}
			if letter == 'b' {
				seat.Category = 1
			}
			s.Seats = append(s.Seats, seat)
			h.positions[r] = append(h.positions[r], seat.Position)
			h.seats = append(h.seats, [2]int{r, i})
		}
		segments = append(segments, s)
	}
	h.plan = best.NewPlan(segments, nil)
	return h
}

func (h *house) letter(position int) byte { return h.rows[h.seats[position][0]][h.seats[position][1]] }

func (h *house) standing(position int) best.Standing {
	switch h.letter(position) {
	case 'h':
		return best.Held
	case 'x':
		return best.Gone
	}
	return best.Open
}

// judge returns the choice instead of the seats asked, or nil.
func (h *house) judge(asked [][2]int) [][2]int {
	var positions []int
	for _, a := range asked {
		positions = append(positions, h.positions[a[0]][a[1]])
	}
	instead, ok := h.plan.Judge(positions, h.standing)
	if ok {
		return nil
	}
	var seats [][2]int
	for _, position := range instead {
		seats = append(seats, h.seats[position])
	}
	return seats
}

func TestSingles(t *testing.T) {
	text, err := os.ReadFile("testdata/singles.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []choice
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if got := newHouse(c.Rows).judge(c.Asked); !reflect.DeepEqual(got, c.Instead) {
			t.Errorf("%s: of %q, %v is judged %v, want %v", c.Name, c.Rows, c.Asked, got, c.Instead)
		}
	}
}

// randomChoice returns some rows and some of their seats, which are usually side by
// side.
func randomChoice(rnd *rand.Rand) choice {
	var c choice
	letters := []string{"aaaaaax", "aaaaaaaaaxxhhbw", "aaabbbx", "ax"}[rnd.IntN(4)]
	for range 1 + rnd.IntN(4) {
		row := make([]byte, 1+rnd.IntN(9))
		for i := range row {
			row[i] = letters[rnd.IntN(len(letters))]
		}
		c.Rows = append(c.Rows, string(row))
	}
	for range 1 + rnd.IntN(2) {
		r := rnd.IntN(len(c.Rows))
		start := rnd.IntN(len(c.Rows[r]))
		for i := start; i < min(start+1+rnd.IntN(4), len(c.Rows[r])); i++ {
			if seat := [2]int{r, i}; !slices.Contains(c.Asked, seat) {
				c.Asked = append(c.Asked, seat)
			}
		}
	}
	return c
}

// TestOtherChoices checks on random plans that the other choice is valid: seats that
// are open or the caller's own, as many as asked for, of the same categories in any
// order, and allowed themselves.
func TestOtherChoices(t *testing.T) {
	rnd := rand.New(rand.NewPCG(20, 1))
	refused := 0
	for range 10_000 {
		c := randomChoice(rnd)
		h := newHouse(c.Rows)
		instead := h.judge(c.Asked)
		shuffled := slices.Clone(c.Asked)
		rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := h.judge(shuffled); !reflect.DeepEqual(got, instead) {
			t.Fatalf("of %q, %v is judged %v, and in another order %v", c.Rows, c.Asked, instead, got)
		}
		if instead == nil {
			continue
		}
		refused++
		letters := func(seats [][2]int) (all []byte) {
			for _, s := range seats {
				letter := c.Rows[s[0]][s[1]]
				if letter == 'h' { // a held seat has category a
					letter = 'a'
				}
				all = append(all, letter)
			}
			slices.Sort(all)
			return all
		}
		if got, want := letters(instead), letters(c.Asked); !slices.Equal(got, want) {
			t.Fatalf("of %q, %v is judged %v, whose seats are %q, want %q", c.Rows, c.Asked, instead, got, want)
		}
		for i, s := range instead {
			if c.Rows[s[0]][s[1]] == 'h' && !slices.Contains(c.Asked, s) || slices.Contains(instead[:i], s) {
				t.Fatalf("of %q, %v is judged %v, which has a seat of somebody else or a seat twice", c.Rows, c.Asked, instead)
			}
		}
		for _, s := range c.Asked {
			if c.Rows[s[0]][s[1]] == 'h' && !slices.Contains(instead, s) {
				t.Fatalf("of %q, %v is judged %v, which lacks %v, the caller's own", c.Rows, c.Asked, instead, s)
			}
		}
		if again := h.judge(instead); again != nil {
			t.Fatalf("of %q, %v is judged %v, and that is judged %v", c.Rows, c.Asked, instead, again)
		}
		if !h.leavesSingle(c.Asked) {
			t.Fatalf("of %q, %v is judged %v, though it leaves no seat alone", c.Rows, c.Asked, instead)
		}
	}
	if refused < 400 {
		t.Errorf("only %d choices were refused, so nothing was tested", refused)
	}
}

// leavesSingle reports, by the definition, whether the seats leave one alone.
func (h *house) leavesSingle(asked [][2]int) bool {
	for r, row := range h.rows {
		open := func(i int) bool { return i >= 0 && i < len(row) && (row[i] == 'a' || row[i] == 'b') }
		taken := func(i int) bool { return open(i) && slices.Contains(asked, [2]int{r, i}) }
		left := func(i int) bool { return open(i) && !taken(i) }
		for i := range row {
			if left(i) && (taken(i-1) || taken(i+1)) && !left(i-1) && !left(i+1) {
				return true
			}
		}
	}
	return false
}

// TestAnotherChoiceExists checks, for one span in a venue of one category, that it is
// refused if and only if some run is exactly as long as the span, or at least two seats
// longer.
func TestAnotherChoiceExists(t *testing.T) {
	rnd := rand.New(rand.NewPCG(20, 2))
	for range 5_000 {
		var rows []string
		for range 1 + rnd.IntN(4) {
			row := make([]byte, 1+rnd.IntN(8))
			for i := range row {
				row[i] = "aaax"[rnd.IntN(4)]
			}
			rows = append(rows, string(row))
		}
		h := newHouse(rows)
		r := rnd.IntN(len(rows))
		start, n := rnd.IntN(len(rows[r])), 1+rnd.IntN(4)
		var asked [][2]int
		for i := start; i < start+n && i < len(rows[r]) && rows[r][i] == 'a'; i++ {
			asked = append(asked, [2]int{r, i})
		}
		if len(asked) == 0 {
			continue
		}
		want := false
		for _, row := range rows {
			run := 0
			for i := range len(row) + 1 {
				if i < len(row) && row[i] == 'a' {
					run++
					continue
				}
				want = want || run == len(asked) || run >= len(asked)+2
				run = 0
			}
		}
		want = want && h.leavesSingle(asked)
		if got := h.judge(asked) != nil; got != want {
			t.Fatalf("of %q, %v is refused: %v, want %v", rows, asked, got, want)
		}
	}
}
