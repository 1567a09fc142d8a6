package importer

import (
	"math"
	"slices"
	"testing"
)

// TestAround checks the order of seats that are no straight row. They stand on a circle, at
// angles of 30 degrees, of which 0 is its right and 3 its bottom.
func TestAround(t *testing.T) {
	for _, c := range []struct {
		name         string
		listed, want []int
	}{
		{"an arc, open at the bottom, from its middle", []int{9, 10, 8, 11, 7, 0, 6, 1, 5}, []int{5, 6, 7, 8, 9, 10, 11, 0, 1}},
		{"the same, half by half", []int{9, 10, 11, 0, 1, 8, 7, 6, 5}, []int{5, 6, 7, 8, 9, 10, 11, 0, 1}},
		{"the same, from its right end", []int{1, 0, 11, 10, 9, 8, 7, 6, 5}, []int{1, 0, 11, 10, 9, 8, 7, 6, 5}},
		{"an arc, open at the right, from its middle", []int{6, 7, 8, 9, 10, 5, 4, 3, 2}, []int{10, 9, 8, 7, 6, 5, 4, 3, 2}},
		{"a table", []int{4, 5, 3, 6, 2, 7, 1, 8, 0, 9, 11, 10}, []int{4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3}},
	} {
		seats := make([]point, len(c.listed))
		for i, n := range c.listed {
			sin, cos := math.Sincos(float64(n) * math.Pi / 6)
			seats[i] = point{math.Round(1000 * cos), math.Round(1000 * sin)}
		}
		var got []int
		for _, i := range along(seats) {
			got = append(got, c.listed[i])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
