package main

import (
	"fmt"
	"strconv"

	"seatlock/lockstore/storetest/history"
)

// A tally is what a row counted.
type tally struct {
	histories, calls, unknown int
	illegal, undecided        int
	unjudged                  bool // histories are not checked: the store may forget
	faults                    int
	torn                      int // groups of seats that were booked in part, and keys that disagree
	late                      int // calls that were not answered in time only because of somebody else's fault
	losses                    history.Losses
	orders                    orderLosses
}

// add adds the tally of another round of the row.
func (t *tally) add(o tally) {
	t.unjudged = o.unjudged
	t.histories += o.histories
	t.calls += o.calls
	t.unknown += o.unknown
	t.illegal += o.illegal
	t.undecided += o.undecided
	t.torn += o.torn
	t.faults += o.faults
	t.late += o.late
	t.losses.Add(o.losses)
	t.orders.add(o.orders)
}

// The verdicts on a row.
const (
	kept          = "kept"
	brokenPromise = "BROKEN"
	tooFew        = "UNDECIDED"
	notFinished   = "FAILED" // the row ended with an error
)

// verdict judges whether the promises were kept. If the store may lose bookings, a lost
// booking breaks no promise, but a torn group, an illegal history or a user with too
// many seats does.
func (t *tally) verdict(mayLose bool) string {
	l := &t.losses
	switch {
	case t.illegal > 0 || t.torn > 0 || t.late > 0 || l.Stuck > 0 || l.Over > 0 || !mayLose && l.Books > 0:
		return brokenPromise
	case !mayLose && (l.Lost > 0 || l.Twice > 0 || t.orders.lost > 0):
		return brokenPromise
	case l.Bookings == 0 || !t.unjudged && t.undecided > max(3, t.histories/100):
		return tooFew
	}
	return kept
}

// String returns the tally as columns of the table.
func (t tally) String() string {
	judged := func(n int) string {
		if t.unjudged {
			return "–"
		}
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d\t| %d\t| %d\t| %s\t| %s\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d",
		t.histories, t.calls, t.unknown, judged(t.illegal), judged(t.undecided),
		t.losses.Bookings, t.losses.Lost, t.losses.Twice, t.losses.Stuck, t.losses.Over, t.losses.Books,
		t.orders.puts, t.orders.lost, t.faults)
}

// counts returns the tally without what the losses are of.
func (t tally) counts() tally {
	t.losses.Words, t.orders.words = nil, nil
	return t
}
