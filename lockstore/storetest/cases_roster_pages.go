package storetest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// rosterMeetsJournal books and cancels while a roster is read. The entries after its
// Seq must correct it.
func rosterMeetsJournal(c *check) {
	c.ev = c.event(3000, c.ttl, 0)
	for part := range slices.Chunk(c.ev.Seats[:1500], lockstore.MaxSeats) {
		c.do(lockstore.Book(ann, "r", part...))
	}
	want := make(map[lockstore.SeatID]bool)
	for _, seat := range c.ev.Seats[:1500] {
		want[seat] = true
	}
	got := make(map[lockstore.SeatID]bool)
	seq, all := direct(c.LockStore).Roster(c.ctx, c.ev, everybody)
	n := 0
	for h, err := range all {
		if err != nil {
			c.Fatal(err)
		}
		got[h.Seat] = true
		if n++; n > 1550 {
			c.Fatalf("the roster has more than the %d seats that can be taken", n)
		}
		if n%300 != 0 {
			continue
		}
		// One seat before and one after the reader's place.
		booked, cancelled := c.ev.Seats[1400+n], c.ev.Seats[n/300]
		c.do(lockstore.Book(ben, "", booked))
		c.do(lockstore.Cancel(ann, "r", cancelled))
		from, to := c.ev.Seats[1499-n/300], c.ev.Seats[2999-n/300]
		c.do(lockstore.Move(ann, "r", seats(from), seats(to)))
		want[booked], want[to] = true, true
		delete(want, cancelled)
		delete(want, from)
	}
	for _, e := range c.journal(seq) {
		for _, seat := range e.Seats {
			delete(got, seat)
			if e.Kind == lockstore.KindBook {
				got[seat] = true
			}
		}
		for _, seat := range e.To {
			got[seat] = true
		}
	}
	for _, seat := range c.ev.Seats {
		if got[seat] != want[seat] {
			c.Errorf("%s is booked: %v, and by roster and journal: %v", seat, want[seat], got[seat])
		}
	}
}

// rosterMissesNothing reads rosters while seats are locked, booked and given back.
// Each seat that is taken throughout must be there, once.
func rosterMissesNothing(c *check) {
	c.ev = c.event(1500, c.ttl, 0)
	var mine []lockstore.SeatID // every fifth seat
	for i := 0; i < len(c.ev.Seats); i += 5 {
		mine = append(mine, c.ev.Seats[i])
	}
	for part := range slices.Chunk(mine, 100) {
		c.lock(ann, part...)
	}
	var others sync.WaitGroup
	stop := make(chan struct{})
	defer others.Wait()
	defer close(stop)
	for n := range 4 {
		others.Go(func() {
			for i := n; ; i += 4 {
				select {
				case <-stop:
					return
				default:
				}
				at := i * 5 % len(c.ev.Seats)
				free, held := c.ev.Seats[at+1:at+4], c.ev.Seats[at]
				_ = c.try(lockstore.Lock(ben, free...))
				time.Sleep(100 * time.Microsecond)
				_ = c.try(lockstore.Release(ben, free...))
				_ = c.try(lockstore.Extend(ann, c.soon(3*c.ttl), held)) // fails if it is booked
				_ = c.try(lockstore.Confirm(ann, held))
				time.Sleep(100 * time.Microsecond)
			}
		})
	}
	for range 2 {
		for _, f := range []lockstore.Filter{everybody, {User: ann}, {Seats: mine[len(mine)-lockstore.MaxSeats:]}} {
			_, all := direct(c.LockStore).Roster(c.ctx, c.ev, f)
			var got []lockstore.SeatID
			for h, err := range all {
				if !c.bubble && errors.Is(err, lockstore.ErrUnavailable) {
					c.Logf("the machine is too busy: %v", err)
					return
				}
				if err != nil {
					c.Fatal(err)
				}
				if at, ok := c.ev.Position(h.Seat); h.User == ann && ok && at%5 == 0 {
					got = append(got, h.Seat)
				}
				if len(got)%100 == 0 {
					time.Sleep(time.Millisecond) // between pages, perhaps
				}
			}
			want := mine
			if f.Seats != nil {
				want = f.Seats
			}
			if !slices.Equal(got, want) {
				c.Errorf("the roster of %q has %d of %d seats that are taken all the time", f.User, len(got), len(want))
			}
		}
	}
}

// rosterCanBeLeft checks that a reader may stop.
func rosterCanBeLeft(c *check) {
	c.ev = c.event(1000, c.ttl, 0)
	for part := range slices.Chunk(c.ev.Seats, lockstore.MaxSeats) {
		c.lock(ann, part...)
	}
	for _, most := range []int{0, 1, 700} {
		n := 0
		for range ofRoster(c.Roster(c.ctx, c.ev, everybody)) {
			if n++; n > most {
				break
			}
		}
	}
	c.release(ann, "A1")
	if _, all := c.roster(everybody); len(all) != 999 {
		c.Errorf("the roster has %d seats, want 999", len(all))
	}
}

func ofRoster(_ lockstore.Seq, all func(func(lockstore.Holding, error) bool)) func(func(lockstore.Holding, error) bool) {
	return all
}
