package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"seatlock/lockstore"
)

// roster must succeed.
func (c *check) roster(f lockstore.Filter) (lockstore.Seq, []lockstore.Holding) {
	c.Helper()
	seq, holdings := c.Roster(c.ctx, c.ev, f)
	var all []lockstore.Holding
	for h, err := range holdings {
		if err != nil {
			c.Fatalf("the roster of %+v: %v", f, err)
		}
		all = append(all, h)
	}
	return seq, all
}

// words joins those that are not empty.
func words(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " ")
}

// wantRoster checks a roster, each seat in the form "A1 booked ann r1", and returns
// it.
func (c *check) wantRoster(f lockstore.Filter, want ...string) []lockstore.Holding {
	c.Helper()
	_, all := c.roster(f)
	var got []string
	for _, h := range all {
		got = append(got, words(string(h.Seat), h.Status.String(), string(h.User), string(h.Ref)))
		if (h.Status == lockstore.Locked) == h.Expires.IsZero() {
			c.Errorf("%s is %s and ends at %v", h.Seat, h.Status, h.Expires)
		}
	}
	if !slices.Equal(got, want) {
		c.Errorf("the roster of %+v is %q, want %q", f, got, want)
	}
	return all
}

var everybody lockstore.Filter

func rosterShowsWhoHasWhat(c *check) {
	c.wantRoster(everybody)
	c.lock(ann, "A10")
	c.bookRef(ben, "r1", "A2")
	c.book(cat, "A1")
	c.do(lockstore.Block("house", "A4"))
	c.do(lockstore.Block("", "A3"))
	c.do(lockstore.Book(ann, "r2", "A5"))
	c.wantRoster(everybody, "A1 booked cat", "A2 booked ben r1", "A3 blocked", "A4 blocked house", "A5 booked ann r2", "A10 locked ann")
}

func rosterHasTimes(c *check) {
	var made []time.Time
	for n, op := range []lockstore.Op{lockstore.Lock(ann, "A1"), lockstore.Book(ann, "", "A2"), lockstore.Block("", "A3"), lockstore.Lock(ben, "A4")} {
		made = append(made, c.do(op).Now)
		c.sleep(c.tick * time.Duration(n+1) / 8)
	}
	until := made[3].Add(2 * c.ttl)
	c.extend(ben, until, "A4")
	c.lock(ann, "A1")
	c.do(lockstore.Book(ann, "", "A2"))
	c.do(lockstore.Block("again", "A3"))
	all := c.wantRoster(everybody, "A1 locked ann", "A2 booked ann", "A3 blocked", "A4 locked ben")
	for i, h := range all {
		if !h.Since.IsZero() {
			c.wantTime(fmt.Sprintf("the time since when %s is %s", h.Seat, h.Status), h.Since, made[i])
		}
	}
	if len(all) == 4 && !all[3].Expires.Equal(until) {
		c.Errorf("the extended lock ends at %v, want %v", all[3].Expires, until)
	}
	if len(all) > 0 {
		c.wantTime("the end of a lock", all[0].Expires, made[0].Add(c.ttl))
	}
	confirmed := c.do(lockstore.Confirm(ann, "A1")).Now
	if all = c.wantRoster(lockstore.Filter{Seats: seats("A1")}, "A1 booked ann"); len(all) == 1 && !all[0].Since.IsZero() {
		c.wantTime("the time since when a confirmed seat is booked", all[0].Since, confirmed)
	}
}

func rosterOfUser(c *check) {
	c.lock(ann, "A3", "A1")
	c.lock(ben, "A2")
	c.do(lockstore.Book(ann, "r1", "A6", "A5"))
	c.do(lockstore.Block("ann", "A4"))
	c.lock(cat, "A7", "A8")
	c.release(cat, "A7")
	c.do(lockstore.Evict("", "A8"))
	c.wantRoster(lockstore.Filter{User: ann}, "A1 locked ann", "A3 locked ann", "A5 booked ann r1", "A6 booked ann r1")
	c.wantRoster(lockstore.Filter{User: ben}, "A2 locked ben")
	c.wantRoster(lockstore.Filter{User: cat})
	c.wantRoster(lockstore.Filter{User: "nobody"})
	c.do(lockstore.Cancel(ann, "", "A5"))
	c.do(lockstore.Move(ann, "", seats("A6"), seats("A10")))
	c.do(lockstore.Book(ben, "r1", "A6"))
	c.confirm(ann, "A3")
	c.wantRoster(lockstore.Filter{User: ann}, "A1 locked ann", "A3 booked ann", "A10 booked ann r1")
	c.wantRoster(lockstore.Filter{User: ben}, "A2 locked ben", "A6 booked ben r1")
	c.sleep(c.ttl + c.tick)
	c.wantRoster(lockstore.Filter{User: ann}, "A3 booked ann", "A10 booked ann r1")
	c.lock(ben, "A1")
	c.wantRoster(lockstore.Filter{User: ann}, "A3 booked ann", "A10 booked ann r1")
	c.wantRoster(lockstore.Filter{User: ben}, "A1 locked ben", "A6 booked ben r1")
}

func rosterOfSeats(c *check) {
	c.lock(ann, "A1", "A2")
	c.do(lockstore.Book(ben, "r1", "A9"))
	c.do(lockstore.Block("", "A3"))
	c.wantRoster(lockstore.Filter{Seats: seats("A9", "A4", "A3", "A1")}, "A1 locked ann", "A3 blocked", "A9 booked ben r1")
	c.wantRoster(lockstore.Filter{Seats: seats("A4", "A5")})
	c.ev = c.event(lockstore.MaxSeats+1, c.ttl, 0)
	c.do(lockstore.Book(ann, "", c.ev.Seats[1:]...))
	if _, all := c.roster(lockstore.Filter{Seats: c.ev.Seats[:lockstore.MaxSeats]}); len(all) != lockstore.MaxSeats-1 || all[0].Seat != "A2" {
		c.Errorf("the roster of %d seats has %d", lockstore.MaxSeats, len(all))
	}
}

// rosterFollows checks the roster after each kind of operation.
func rosterFollows(c *check) {
	for _, op := range c.working() {
		c.do(op)
	}
	c.wantRoster(everybody, "A1 locked ann", "A2 booked ann", "A4 locked ann", "A6 booked ann r2", "A9 booked ann r1", "A10 blocked house")
	c.do(lockstore.Block("other", "A10", "A12"))
	c.do(lockstore.Book(ben, "", "A11"))
	c.sleep(c.ttl + c.tick)
	c.wantRoster(everybody, "A2 booked ann", "A4 locked ann", "A6 booked ann r2", "A9 booked ann r1", "A10 blocked house", "A11 booked ben", "A12 blocked other")
}

func rosterRefuses(c *check) {
	c.lock(ann, "A1")
	bad := map[string]struct {
		filter lockstore.Filter
		want   error
	}{
		"a user and seats":   {lockstore.Filter{User: ann, Seats: seats("A1")}, lockstore.ErrInvalid},
		"a seat twice":       {lockstore.Filter{Seats: seats("A1", "A2", "A1")}, lockstore.ErrInvalid},
		"too many seats":     {lockstore.Filter{Seats: slices.Repeat(seats("A1"), lockstore.MaxSeats+1)}, lockstore.ErrInvalid},
		"a user of no text":  {lockstore.Filter{User: "a\xff"}, lockstore.ErrInvalid},
		"seats of elsewhere": {lockstore.Filter{Seats: seats("A1", "Z1")}, lockstore.ErrUnknownSeats},
	}
	for name, b := range bad {
		if err := rosterError(c.Roster(c.ctx, c.ev, b.filter)); !errors.Is(err, b.want) {
			c.Errorf("the roster of %s: %v, want %v", name, err, b.want)
		}
	}
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	if err := rosterError(c.Roster(ctx, c.ev, everybody)); !errors.Is(err, context.Canceled) {
		c.Errorf("the roster with a cancelled context: %v", err)
	}
}

// rosterError returns the error of a roster's first pair. There must be no Seq if it
// has one, and no second pair.
func rosterError(seq lockstore.Seq, all func(func(lockstore.Holding, error) bool)) error {
	var first error
	n := 0
	for _, err := range all {
		if n++; n == 1 {
			first = err
		}
	}
	if first != nil && (seq != "" || n > 1) {
		return fmt.Errorf("the Seq is %q and there are %d pairs, of which the first is an error: %v", seq, n, first)
	}
	return first
}

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
		// One seat before and one behind the place where the reader is.
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
	c.ev = c.event(2500, c.ttl, 0)
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
	for range 3 {
		for _, f := range []lockstore.Filter{everybody, {User: ann}, {Seats: mine[100 : 100+lockstore.MaxSeats]}} {
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
