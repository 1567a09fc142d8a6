package history

import "seatlock/lockstore"

// A Ledger records which bookings, cancels, moves and blocks of one event were
// acknowledged, so that the store can be compared with them later, and users with the
// seat limit. It is not safe for concurrent use.
type Ledger struct {
	Event   *lockstore.Event
	claims  map[lockstore.SeatID][]act    // calls after which the seat was booked
	endings map[lockstore.SeatID][]act    // calls after which the seat was not booked like that
	blocks  map[lockstore.SeatID][]act    // calls after which the seat was blocked
	opens   map[lockstore.SeatID][]act    // calls after which the seat was not blocked
	limit   map[lockstore.UserID]int      // the loosest with which the user locked seats
	users   map[lockstore.UserID]struct{} // of all claims
}

// An act is what a call did to a seat, or may have done if its outcome is unknown.
type act struct {
	user       lockstore.UserID // "" is any
	ref        lockstore.Ref    // "" is any
	begin, end int64
	unknown    bool
}

// NewLedger returns an empty ledger.
func NewLedger(ev *lockstore.Event) *Ledger {
	acts := func() map[lockstore.SeatID][]act { return make(map[lockstore.SeatID][]act) }
	return &Ledger{ev, acts(), acts(), acts(), acts(), make(map[lockstore.UserID]int), make(map[lockstore.UserID]struct{})}
}

// Note records a call.
func (l *Ledger) Note(c Call) {
	if c.Method != Do || c.OtherSeats || c.Outcome != Done && c.Outcome != Unknown {
		return
	}
	a := act{c.User, c.Ref, c.Begin, c.End, c.Outcome == Unknown}
	note := func(in map[lockstore.SeatID][]act, seats []lockstore.SeatID) {
		for _, seat := range seats {
			in[seat] = append(in[seat], a)
		}
	}
	switch c.Kind {
	case lockstore.KindLock:
		limit := c.Settings.of(l.Event).SeatLimit
		if limit == 0 {
			limit = len(l.Event.Seats)
		}
		l.limit[c.User] = max(l.limit[c.User], limit)
	case lockstore.KindConfirm, lockstore.KindBook:
		note(l.claims, c.Seats)
		l.users[c.User] = struct{}{}
		if c.Kind == lockstore.KindBook {
			l.limit[c.User] = len(l.Event.Seats) // it has none
			note(l.opens, c.Seats)
		}
	case lockstore.KindCancel:
		note(l.endings, c.Seats)
	case lockstore.KindMove:
		note(l.endings, c.Seats)
		note(l.claims, c.To)
	case lockstore.KindBlock:
		note(l.blocks, c.Seats)
	case lockstore.KindUnblock:
		note(l.opens, c.Seats)
	}
}

// standing returns the acts that must still hold and those that may, given the later
// acts that undo them.
func standing(acts, later []act) (must, may []act) {
	for _, a := range acts {
		over, perhaps := false, a.unknown
		for _, e := range later {
			differs := a.user != "" && e.user != "" && a.user != e.user || a.ref != "" && e.ref != "" && a.ref != e.ref
			if differs || e.end < a.begin {
				continue
			}
			perhaps = true
			sure := !e.unknown && (e.user == "" || e.user == a.user) && (e.ref == "" || e.ref == a.ref)
			over = over || sure && a.end < e.begin
		}
		switch {
		case over:
		case perhaps:
			may = append(may, a)
		default:
			must = append(must, a)
		}
	}
	return must, may
}

// Losses are the differences between a ledger and its store.
type Losses struct {
	Bookings int // the acknowledged bookings, counted for each seat and user
	Lost     int // of these, those that were not cancelled or moved and that the store does not have. Also the cancels, moves, blocks and unblocks that it does not have
	Twice    int // the seats whose booking was acknowledged to two users
	Stuck    int // the seats that are taken, although no user has reason to believe that they are theirs
	Books    int // the differences between the journal, the roster and the acknowledged bookings
	Over     int // the users who have more seats than the loosest limit of their calls, or could get more than the event's

	Words []string // describes each

	again int // the seats that are as they were before a call that the store has lost
}

// Add adds other losses.
func (l *Losses) Add(o Losses) {
	l.Bookings += o.Bookings
	l.Lost += o.Lost
	l.Twice += o.Twice
	l.Stuck += o.Stuck
	l.Over += o.Over
	l.Books += o.Books
	l.Words = append(l.Words, o.Words...)
}
