package history

import (
	"fmt"

	"seatlock/lockstore"
)

// A Replay is what the entries of a journal leave behind: who has booked which seat,
// and which are blocked.
type Replay struct {
	Seats map[lockstore.SeatID]lockstore.Holding
}

// NewReplay returns a Replay in which every seat is available.
func NewReplay() *Replay { return &Replay{make(map[lockstore.SeatID]lockstore.Holding)} }

// Apply carries out the entries and describes those that are not possible.
func (r *Replay) Apply(entries ...lockstore.Entry) (wrong []string) {
	for _, e := range entries {
		if why := r.apply(e); why != "" {
			wrong = append(wrong, fmt.Sprintf("%s is not possible there: %s", describeEntry(e), why))
		}
	}
	return wrong
}

func (r *Replay) apply(e lockstore.Entry) (why string) {
	for i, seat := range e.Seats {
		was := r.Seats[seat]
		ours := was.Status == lockstore.Booked && (e.User == "" || e.User == was.User) && (e.Ref == "" || e.Ref == was.Ref)
		possible := false
		switch e.Kind {
		case lockstore.KindConfirm, lockstore.KindBook:
			possible = was.Status == lockstore.Available || was.Status == lockstore.Blocked && e.Kind == lockstore.KindBook
			r.Seats[seat] = lockstore.Holding{Seat: seat, Status: lockstore.Booked, User: e.User, Ref: e.Ref, Since: e.Time}
		case lockstore.KindCancel:
			possible = ours
			delete(r.Seats, seat)
		case lockstore.KindMove:
			if i >= len(e.To) {
				return "it has no new seat for each"
			}
			to := r.Seats[e.To[i]]
			possible = ours && to.Status == lockstore.Available
			delete(r.Seats, seat)
			r.Seats[e.To[i]] = lockstore.Holding{Seat: e.To[i], Status: lockstore.Booked, User: was.User, Ref: was.Ref, Since: e.Time}
		case lockstore.KindBlock:
			possible = was.Status == lockstore.Available
			r.Seats[seat] = lockstore.Holding{Seat: seat, Status: lockstore.Blocked, Ref: e.Ref, Since: e.Time}
		case lockstore.KindUnblock:
			possible = was.Status == lockstore.Blocked
			delete(r.Seats, seat)
		case lockstore.KindEvict, lockstore.KindExtend:
			possible = was.Status == lockstore.Available
		}
		if !possible && why == "" {
			why = fmt.Sprintf("%s is %s %s %s", seat, was.Status, was.User, was.Ref)
		}
	}
	return why
}

// Differs describes how a roster differs from the replay. Locks do not count.
func (r *Replay) Differs(roster []lockstore.Holding) (wrong []string) {
	there := make(map[lockstore.SeatID]bool)
	for _, h := range roster {
		if h.Status == lockstore.Locked {
			continue
		}
		there[h.Seat] = true
		if was := r.Seats[h.Seat]; was.Status != h.Status || was.User != h.User || was.Ref != h.Ref {
			wrong = append(wrong, fmt.Sprintf("in the roster %s is %s %s %s, and by the journal %s %s %s", h.Seat, h.Status, h.User, h.Ref, was.Status, was.User, was.Ref))
		}
	}
	for seat, was := range r.Seats {
		if !there[seat] {
			wrong = append(wrong, fmt.Sprintf("by the journal %s is %s %s %s, and it is not in the roster", seat, was.Status, was.User, was.Ref))
		}
	}
	return wrong
}
