package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// journalUnderRace has many users change the same and other seats, and readers who
// follow the journal meanwhile.
func journalUnderRace(c *check) {
	record := &history.Recorder{Store: direct(c.LockStore), Event: c.ev}
	const users, rounds = 12, 12
	var followed [2][]lockstore.Entry
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for n := range followed {
		readers.Go(func() { followed[n] = c.follow(stop, 1+6*n) })
	}
	c.race(users, func(user lockstore.UserID) {
		for n := range rounds {
			seat := c.ev.Seats[n%len(c.ev.Seats)]
			for i, op := range []lockstore.Op{
				lockstore.Book(user, "r", seat),
				lockstore.Move(user, "r", seats(seat), seats(c.ev.Seats[(n+3)%len(c.ev.Seats)])),
				lockstore.Cancel(user, "", c.ev.Seats...),
			} {
				op.By = fmt.Sprintf("%s-%d-%d", user, n, i)
				record.Do(c.ctx, history.Call{Op: op})
			}
		}
	})
	close(stop)
	readers.Wait()
	h := record.History(c.slack())
	h.Journal = c.journal("")
	for _, problem := range h.CheckJournal() {
		c.Error(problem)
	}
	for _, got := range followed {
		if !slices.EqualFunc(got, h.Journal, sameEntry) {
			c.Errorf("a reader who follows the journal has %d entries, and the journal %d", len(got), len(h.Journal))
		}
	}
}

// follow reads the journal in pages of limit entries until it has come to its end
// after stop is closed.
func (c *check) follow(stop <-chan struct{}, limit int) (all []lockstore.Entry) {
	at := lockstore.Seq("")
	for last := false; ; {
		select {
		case <-stop:
			last = true
		default:
		}
		page, err := c.Journal(c.ctx, c.ev, at, limit)
		if err != nil {
			c.Error(err)
			return all
		}
		if len(page) > 0 {
			all, at = append(all, page...), page[len(page)-1].Seq
		} else if last {
			return all
		} else {
			time.Sleep(time.Millisecond)
		}
	}
}

// slack returns how far the clocks of the store and the case may differ.
func (c *check) slack() time.Duration {
	if c.bubble {
		return time.Millisecond
	}
	return c.tick
}

// slicesOfEntries checks that neither the seats of an operation nor those of an entry
// are shared with the store.
func slicesOfEntries(c *check) {
	from, to := seats("A1", "A2"), seats("A3", "A4")
	c.do(lockstore.Book(ann, "r1", from...))
	c.do(lockstore.Move(ann, "r1", from, to))
	copy(from, seats("A9", "A9"))
	copy(to, seats("A9", "A9"))
	for range 2 {
		all := c.journal("")
		c.wantJournal("", "book A1,A2 ann r1", "move A1,A2>A3,A4 ann r1")
		for _, e := range all {
			for _, ids := range [][]lockstore.SeatID{e.Seats, e.To} {
				for i := range ids {
					ids[i] = "A9"
				}
			}
		}
	}
	filter := seats("A3", "A1")
	_, roster := c.Roster(c.ctx, c.ev, lockstore.Filter{Seats: filter})
	copy(filter, seats("A9", "A9"))
	for h, err := range roster {
		if err != nil || h.Seat != "A3" {
			c.Errorf("the roster shows %+v (%v), want A3", h, err)
		}
	}
	c.wantTaken("A3 booked", "A4 booked")
}
