package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
)

// roster returns a roster, which it must be able to read.
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

// words joins the words that are not empty.
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
