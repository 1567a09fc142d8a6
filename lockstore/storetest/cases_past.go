package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"seatlock/lockstore"
)

// briefTTL is how long locks last that expire again and again, so that real time
// is enough for them.
const briefTTL = 25 * time.Millisecond

// take has the user lock the seats for that time, as soon as they are available.
func (c *check) take(ttl time.Duration, user lockstore.UserID, ids ...lockstore.SeatID) {
	c.Helper()
	for ev := c.with(ttl, 0); ; time.Sleep(briefTTL / 5) {
		_, err := c.Do(c.ctx, ev, lockstore.Lock(user, ids...))
		if err == nil {
			return
		}
		if !errors.Is(err, lockstore.SeatLocked) {
			c.Fatalf("%s locks %v: %v", user, ids, err)
		}
	}
}

// wantExpired checks that the user's confirm reports that the lock expired. If the
// store may have forgotten that, it may also report that there was none.
func (c *check) wantExpired(user lockstore.UserID, mayForget bool, ids ...lockstore.SeatID) {
	c.Helper()
	for part := range slices.Chunk(ids, lockstore.MaxSeats) {
		err := c.try(lockstore.Confirm(user, part...))
		if !errors.Is(err, lockstore.LockExpired) && !(mayForget && errors.Is(err, lockstore.LockNotHeld)) {
			c.Errorf("%s confirms %d expired locks, from %s on: %v; may be forgotten: %v", user, len(part), part[0], err, mayForget)
		}
	}
}

// rememberedOnSeat has more users than a store must remember lock a seat, one after
// the other.
func rememberedOnSeat(c *check) {
	unsure := c.unsure()
	var users []lockstore.UserID
	for n := range lockstore.MinSeatLapses + 3 {
		users = append(users, lockstore.UserID(fmt.Sprintf("user%d", n)))
		c.take(briefTTL, users[n], "A1")
	}
	wantLast := func() {
		for n, user := range users {
			c.wantExpired(user, n < 3 || c.unsure() != unsure, "A1")
		}
	}
	c.take(time.Minute, cat, "A1")
	wantLast()
	c.release(cat, "A1")
	wantLast()
}

// rememberedOfUser has a user let as many locks expire as a store must remember,
// and then as many again on other seats.
func rememberedOfUser(c *check) {
	const most = lockstore.MinUserLapses
	unsure := c.unsure()
	c.ev = c.event(2*most, c.ttl, 0)
	first, second := c.ev.Seats[:most], c.ev.Seats[most:]
	for round, ids := range [][]lockstore.SeatID{first, second} {
		for part := range slices.Chunk(ids, lockstore.MaxSeats) {
			c.take(briefTTL, ann, part...)
		}
		c.sleep(briefTTL + c.tick)
		c.wantExpired(ann, c.unsure() != unsure, ids...)
		c.wantRefused(lockstore.Confirm(ben, ids[0]), lockstore.LockNotHeld, string(ids[0])+" available")
		if round == 0 {
			c.lock(ben, ids[:9]...)
			c.wantExpired(ann, c.unsure() != unsure, ids[:9]...)
		}
	}
	c.wantExpired(ann, true, first...)
}
