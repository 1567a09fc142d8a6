package venue

import (
	"slices"

	"golang.org/x/text/unicode/norm"
)

// box returns the given rectangle, or nil if there is none.
func box(here string, x, y, width, height *float64) (*Box, error) {
	given := 0
	for _, f := range []*float64{x, y, width, height} {
		if f != nil {
			given++
		}
	}
	if given == 0 {
		return nil, nil
	}
	if given < 4 {
		return nil, wrong(here, "x, y, width and height must be given together")
	}
	if !(*width > 0 && *height > 0) {
		return nil, wrong(here, "width and height must be more than 0")
	}
	for name, f := range map[string]float64{"x": *x, "y": *y, "width": *width, "height": *height} {
		if err := checkPlace(here+"/"+name, f); err != nil {
			return nil, err
		}
	}
	return &Box{tenths(*x * seatWidth), tenths(*y * seatWidth), tenths(*width * seatWidth), tenths(*height * seatWidth)}, nil
}

// stage makes the stage, or returns nil if there is none.
func (s *stageJSON) stage(here string) (*Stage, error) {
	if s == nil {
		return nil, nil
	}
	made := &Stage{Label: norm.NFC.String(s.Label), Shape: "straight"}
	if s.Label != "" {
		if err := checkLabel(made.Label); err != nil {
			return nil, at(here+"/label", err)
		}
	}
	if s.Shape != nil {
		made.Shape = *s.Shape
	}
	if !slices.Contains([]string{"straight", "apron", "round"}, made.Shape) {
		return nil, wrong(here+"/shape", "a stage is straight, apron or round, not %s", Shown(made.Shape))
	}
	var err error
	made.Box, err = box(here, s.X, s.Y, s.Width, s.Height)
	return made, err
}
