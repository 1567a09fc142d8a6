package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
)

// cheatReport counts the outcomes of calls that their callers may not make.
type cheatReport struct {
	Cheats     int            `json:"cheats"`
	Tried      int            `json:"tried"`      // calls
	Refused    int            `json:"refused"`    // with 401 or 403
	Unanswered int            `json:"unanswered"` // for example because the server was too busy
	LetThrough map[string]int `json:"letThrough"` // by attempt
	Confirms   int            `json:"confirms"`   // confirms without a key that the server did not refuse
}

// cheat makes every call that needs a key, and a confirm, without a key. A confirm that
// is let through books nothing, since the cheat has no lock.
func (c *crowd) cheat(ctx context.Context, stranger *client.Client) cheatReport {
	r := cheatReport{LetThrough: make(map[string]int)}
	ev := c.view.event
	seat, user := ev.Seats[len(ev.Seats)-1], lockstore.UserID(c.name+"-cheat")
	long := lockstore.Lock(user, seat)
	long.For = 24 * time.Hour
	evicting := lockstore.Block("cheat", seat)
	evicting.Blocked = true
	tries := map[string]lockstore.Op{
		"a longer lock":     long,
		"a direct booking":  lockstore.Book(user, "cheat", seat),
		"a cancel":          lockstore.Cancel(user, "", seat),
		"a move":            lockstore.Move(user, "", []lockstore.SeatID{seat}, []lockstore.SeatID{ev.Seats[0]}),
		"a block":           evicting,
		"an unblock":        lockstore.Unblock(seat),
		"an eviction":       lockstore.Evict("", seat),
		confirmsUnpaid:      lockstore.Confirm(user, seat),
		"the bookings":      {},
		"the whole journal": {},
	}
	for range c.cheats {
		r.Cheats++
		for what, op := range tries {
			var err error
			switch what {
			case "the bookings":
				_, seats := stranger.Roster(ctx, ev, lockstore.Filter{})
				for _, err = range seats {
					break
				}
			case "the whole journal":
				_, err = stranger.Journal(ctx, ev, "", 1)
			default:
				_, err = stranger.Do(ctx, ev, op)
			}
			r.note(what, err)
		}
	}
	return r
}

const confirmsUnpaid = "a confirm without a payment"

func (r *cheatReport) note(what string, err error) {
	r.Tried++
	p, isProblem := errors.AsType[*client.Problem](err)
	switch {
	case isProblem && (p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden):
		r.Refused++
	case errors.Is(err, lockstore.ErrUnavailable), errors.Is(err, lockstore.ErrOutcomeUnknown), errors.Is(err, context.Canceled):
		r.Unanswered++
	case what == confirmsUnpaid:
		r.Confirms++
	default:
		r.LetThrough[what]++
	}
}

// through returns how many calls were let through that should not have been.
func (r *cheatReport) through(confirmBy string) int {
	n := 0
	for _, calls := range r.LetThrough {
		n += calls
	}
	if confirmBy != byBuyer {
		n += r.Confirms
	}
	return n
}

func (r *cheatReport) text(confirmBy string) string {
	text := fmt.Sprintf("cheats   %d tried %d calls that are not theirs: %d refused, %d let through, %d unanswered", r.Cheats, r.Tried, r.Refused, r.through(confirmBy), r.Unanswered)
	if r.through(confirmBy) > 0 {
		text += " (" + counts(r.LetThrough) + ")"
	}
	if confirmBy == byBuyer && r.Confirms > 0 {
		text += "; anybody may confirm here"
	}
	return text + "\n"
}
