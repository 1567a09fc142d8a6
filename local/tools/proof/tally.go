package main

import (
	"fmt"
	"strconv"

	"seatlock/lockstore/storetest/history"
)

// A tally is what came of a row.
type tally struct {
	histories, calls, unknown int
	legal, illegal, undecided int
	unjudged                  bool // histories are not judged: the store may forget
	faults                    int
	torn                      int // groups of seats of which a part was booked, and keys that disagree
	losses                    history.Losses
}

// The verdicts on a row.
const (
	kept          = "kept"
	brokenPromise = "BROKEN"
	tooFew        = "UNDECIDED"
)

// verdict says whether the promises were kept. What is lost by nature breaks
// none, but nothing is torn or illegal by nature.
func (t *tally) verdict(byNature bool) string {
	l := &t.losses
	switch {
	case t.illegal > 0 || t.torn > 0 || l.Stuck > 0:
		return brokenPromise
	case !byNature && (l.Lost > 0 || l.Twice > 0):
		return brokenPromise
	case l.Bookings == 0 || !t.unjudged && t.undecided > max(3, t.histories/100):
		return tooFew
	}
	return kept
}

func (t tally) String() string {
	judged := func(n int) string {
		if t.unjudged {
			return "–"
		}
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d\t| %d\t| %d\t| %s\t| %s\t| %d\t| %d\t| %d\t| %d\t| %d",
		t.histories, t.calls, t.unknown, judged(t.illegal), judged(t.undecided),
		t.losses.Bookings, t.losses.Lost, t.losses.Twice, t.losses.Stuck, t.faults)
}
