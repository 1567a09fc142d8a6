package venue

import (
	"slices"
	"strconv"
)

// maxGap is the width in seats of the widest gap that a row has for omitted numbers.
const maxGap = 2

// aislesOf returns the aisles of a row: the marked ones, and those where the rising or
// falling numbers of its seats skip some. Numbers that all step by two skip none. It
// returns nil if there are no aisles.
func aislesOf(numbers []string, marked []int) []int {
	left := leftOut(numbers)
	if left == nil {
		return marked
	}
	var aisles []int
	for i, n := range left {
		if n > 0 || slices.Contains(marked, i) {
			aisles = append(aisles, i)
		}
	}
	return aisles
}

// leftOut returns, by seat, how many numbers are skipped before it. It returns nil
// unless all seats have numbers, and these rise or fall.
func leftOut(numbers []string) []int {
	if len(numbers) < 2 {
		return nil
	}
	values := make([]int, len(numbers))
	for i, text := range numbers {
		n, err := strconv.Atoi(text)
		if err != nil || len(text) > 9 {
			return nil
		}
		values[i] = n
	}
	sign, step := 1, 0
	if values[1] < values[0] {
		sign = -1
	}
	for i := 1; i < len(values); i++ {
		d := sign * (values[i] - values[i-1])
		if d <= 0 {
			return nil
		}
		if step == 0 || d < step {
			step = d
		}
	}
	left := make([]int, len(values))
	for i := 1; i < len(values); i++ {
		d := sign * (values[i] - values[i-1])
		left[i] = (d+step/2)/step - 1
	}
	return left
}

// slots returns the positions of the middles of the seats along a row, in tenths of a
// seat width from its middle. An aisle is as wide as a seat, or as the seats whose
// numbers are skipped.
func slots(numbers []string, aisles []int, seats int) []float64 {
	at := make([]float64, seats)
	left := leftOut(numbers)
	place := 0.0
	next := 0
	for i := range at {
		if i > 0 {
			place += seatWidth
		}
		if next < len(aisles) && aisles[next] == i {
			gap := 1
			if left != nil {
				gap = min(max(1, left[i]), maxGap)
			}
			place += float64(gap) * seatWidth
			next++
		}
		at[i] = place
	}
	for i := range at {
		at[i] -= place / 2
	}
	return at
}
