package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// A picker locks seats chosen by the server.
type picker interface {
	Pick(ctx context.Context, ev *lockstore.Event, user lockstore.UserID, w client.Wanted) (client.Picked, error)
}

// pickName is the name of the call in the report.
const pickName = "pick"

// A partyCount counts the outcomes of parties.
type partyCount struct{ seated, refused, notTogether atomic.Int64 }

// A partyReport shows the outcomes of buyers who wanted seats together.
type partyReport struct {
	Of          int `json:"of"` // seats each; 0 if there were no parties
	Seated      int `json:"seated"`
	Refused     int `json:"refused"`     // parties for which there was no room
	NotTogether int `json:"notTogether"` // parties that got anything but Of seats side by side
}

func (c *partyCount) report(of int) partyReport {
	return partyReport{of, int(c.seated.Load()), int(c.refused.Load()), int(c.notTogether.Load())}
}

func (r partyReport) text() string {
	return fmt.Sprintf("parties of %d: %d got seats together, %d found no room\n", r.Of, r.Seated, r.Refused)
}

// pick has the server choose the seats of a party, and returns them and when their lock
// ends. Otherwise it returns how the visit ended.
func (b *buyer) pick(ctx context.Context) ([]lockstore.SeatID, time.Time, ending) {
	wait := firstPause
	for range maxCalls {
		called := time.Now()
		got, err := b.picks.Pick(ctx, b.view.event, b.user, client.Wanted{Count: b.party})
		returned := time.Now()
		b.meter.noteAs(pickName, pickOutcome(err), returned.Sub(called))
		if err == nil {
			if b.parties.seated.Add(1); !b.together(got) {
				b.parties.notTogether.Add(1)
			}
			b.note(history.Call{Op: lockstore.Lock(b.user, got.Seats...), Called: called, Returned: returned, Answer: history.Answer{Outcome: history.Done}})
			b.had.locked(got.Seats, b.user, called, returned)
			return got.Seats, got.Expires, ""
		}
		p, ok := errors.AsType[*client.Problem](err)
		switch {
		case ok && p.Code == "not_enough":
			b.parties.refused.Add(1)
			return nil, time.Time{}, noPlace
		case !errors.Is(err, lockstore.ErrUnavailable): // a lock of a call with an unknown outcome ends by itself
			return nil, time.Time{}, noAnswer
		case ok:
			wait = max(wait, min(p.RetryAfter, longPause))
		}
		if !pause(ctx, wait) {
			break
		}
		wait = min(2*wait, longPause)
	}
	return nil, time.Time{}, noAnswer
}

// note records a call in the ledger.
func (b *buyer) note(c history.Call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Note(c)
}

// pickOutcome names how a pick ended.
func pickOutcome(err error) string {
	if err == nil {
		return "ok"
	}
	c := history.Call{Answer: history.Answer{Cause: err}}
	if errors.Is(err, lockstore.ErrOutcomeUnknown) {
		c.Outcome = history.Unknown
	}
	return outcome(c)
}

// together reports whether there is a seat for everybody in the party, side by side in the
// seat map. The places of an area may be anywhere in it. The seats must be together even if
// the answer was lost, so that the server could not say whether they are.
func (b *buyer) together(got client.Picked) bool {
	var at []int
	for _, seat := range got.Seats {
		p, ok := b.view.event.Position(seat)
		if !ok {
			return false
		}
		if !strings.Contains(string(seat), "#") {
			at = append(at, p)
		}
	}
	slices.Sort(at)
	for i := range at {
		if at[i] != at[0]+i {
			return false
		}
	}
	return len(got.Seats) == b.party
}
