package redisstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest"
)

// roster returns the seats of the roster, which must not fail.
func roster(t testing.TB, s lockstore.LockStore, ev *lockstore.Event, f lockstore.Filter) []lockstore.Holding {
	t.Helper()
	var all []lockstore.Holding
	_, holdings := s.Roster(t.Context(), ev, f)
	for h, err := range holdings {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

// TestRosterOfManySeats checks rosters of several pages: of all, and of a user who has
// more seats than Redis names at a time.
func TestRosterOfManySeats(t *testing.T) {
	t.Parallel()
	s, ev := onRedis(t, "redis://"+sharedServer(t), redisstore.Options{}), newEvent(t, storetest.Seats(3001)...)
	for i := 0; i < 3000; i += 200 {
		user := ann
		if i%400 == 0 {
			user = ben
		}
		mustDo(t, s, ev, lockstore.Book(user, "r", ev.Seats[i:i+200]...))
	}
	mustDo(t, s, ev, lockstore.Cancel(ann, "", ev.Seats[200:300]...))
	all := roster(t, s, ev, lockstore.Filter{})
	if len(all) != 2900 {
		t.Errorf("the roster has %d seats, want 2900", len(all))
	}
	users := map[lockstore.UserID]int{}
	last := -1
	for _, h := range all {
		users[h.User]++
		p, _ := ev.Position(h.Seat)
		if p <= last || h.Ref != "r" || h.Since.IsZero() || !h.Expires.IsZero() {
			t.Fatalf("after the seat at %d comes %+v", last, h)
		}
		last = p
	}
	for user, want := range map[lockstore.UserID]int{ann: 1300, ben: 1600} {
		if got := roster(t, s, ev, lockstore.Filter{User: user}); len(got) != want || users[user] != want {
			t.Errorf("%s has %d seats, and %d in the whole roster, want %d", user, len(got), users[user], want)
		}
	}
}

// TestJournalOfBatches checks that the entries of calls that shared a trip are read one
// by one, wherever a reader starts.
func TestJournalOfBatches(t *testing.T) {
	t.Parallel()
	s, ev := onRedis(t, "redis://"+sharedServer(t), redisstore.Options{}), newEvent(t, storetest.Seats(2000)...)
	ended := make(chan error)
	for i, seat := range ev.Seats {
		go func() {
			_, err := s.Do(t.Context(), ev, lockstore.Book(lockstore.UserID(fmt.Sprint("user", i)), "r", seat))
			ended <- err
		}()
		if i%100 == 99 {
			for range 100 {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		}
	}
	for _, limit := range []int{1000, 7, 333} {
		seen := make(map[lockstore.SeatID]bool)
		ids := make(map[string]bool)
		var after lockstore.Seq
		for {
			entries, err := s.Journal(t.Context(), ev, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) == 0 {
				break
			}
			if len(entries) > limit || len(entries) < limit && len(seen)+len(entries) != 2000 {
				t.Errorf("after %d entries come %d, want %d", len(seen), len(entries), limit)
			}
			for _, e := range entries {
				seen[e.Seats[0]], ids[e.ID] = true, true
			}
			after = entries[len(entries)-1].Seq
		}
		if len(seen) != 2000 || len(ids) != 2000 {
			t.Errorf("by %d, the journal has %d seats and %d ids, want 2000", limit, len(seen), len(ids))
		}
		if seq, _ := s.Roster(t.Context(), ev, lockstore.Filter{User: ann}); seq != after {
			t.Errorf("the roster is of %s, want %s", seq, after)
		}
	}
}

// TestJournalOfALostFuture checks that a reader notices that the journal has lost the
// entry that it read last, even if there are newer ones.
func TestJournalOfALostFuture(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s, ctl, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), admin(t, server.Addr), newEvent(t)
	mustDo(t, s, ev, lockstore.Book(ann, "r", "A1"))
	mustDo(t, s, ev, lockstore.Book(ann, "r", "A2"))
	entries, err := s.Journal(t.Context(), ev, "", 10)
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	// A failover to a replica that had only the first entry.
	messages, err := ctl.XRange(t.Context(), key(ev, "journal"), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := ctl.XDel(t.Context(), key(ev, "journal"), messages[1].ID).Err(); err != nil {
		t.Fatal(err)
	}
	for _, newer := range []bool{false, true} {
		if newer {
			mustDo(t, s, ev, lockstore.Book(ben, "r", "A3"))
		}
		if _, err := s.Journal(t.Context(), ev, entries[1].Seq, 10); !errors.Is(err, lockstore.ErrJournalReset) {
			t.Errorf("the journal after a lost entry: %v, want %v", err, lockstore.ErrJournalReset)
		}
		if got, err := s.Journal(t.Context(), ev, entries[0].Seq, 10); err != nil || len(got) != map[bool]int{true: 1}[newer] {
			t.Errorf("the journal after the entry that is left: %v, %v", got, err)
		}
	}
	// The same place in another life of the journal.
	if err := ctl.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := ctl.XAdd(t.Context(), xadd(key(ev, "journal"), messages[1].ID, "othernonce", "book 1700000000000\nann\tr\t\tA1")).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Journal(t.Context(), ev, entries[1].Seq, 10); !errors.Is(err, lockstore.ErrJournalReset) {
		t.Errorf("the journal in another life: %v, want %v", err, lockstore.ErrJournalReset)
	}
	for _, seq := range []lockstore.Seq{"1", "1-2", "1-2-x", "1-2-x-", "1-2-x-1y", "01-2-x-1", entries[0].Seq[:len(entries[0].Seq)-1] + "9"} {
		if _, err := s.Journal(t.Context(), ev, seq, 10); !errors.Is(err, lockstore.ErrJournalReset) {
			t.Errorf("the journal after %s: %v, want %v", seq, err, lockstore.ErrJournalReset)
		}
	}
}

func BenchmarkRoster(b *testing.B) {
	s, ev := onRedis(b, "redis://"+sharedServer(b), redisstore.Options{}), newEvent(b, storetest.Seats(50_000)...)
	for i := 0; i < 25_000; i += 50 {
		mustDo(b, s, ev, lockstore.Book(lockstore.UserID(fmt.Sprint("user", i/500)), "r", ev.Seats[i:i+50]...))
	}
	mustDo(b, s, ev, lockstore.Lock(ann, ev.Seats[30_000:30_008]...))
	ctl := admin(b, sharedServer(b))
	b.Run("ping", func(b *testing.B) { // what a trip costs
		for b.Loop() {
			if err := ctl.Ping(b.Context()).Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, f := range map[string]lockstore.Filter{"all": {}, "user": {User: "user7"}, "user of 8": {User: ann}, "seats": {Seats: ev.Seats[:200]}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				roster(b, s, ev, f)
			}
		})
	}
	b.Run("journal", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Journal(b.Context(), ev, "", 500); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("revision", func(b *testing.B) {
		for b.Loop() {
			other := *ev
			layout, err := lockstore.NewLayout(append(ev.Seats[:len(ev.Seats):len(ev.Seats)], lockstore.SeatID(fmt.Sprint("X", ev.Revision))))
			if err != nil {
				b.Fatal(err)
			}
			other.Revision, other.Layout = ev.Revision+1, layout
			began := time.Now()
			if err := s.Open(b.Context(), &other); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(time.Since(began).Milliseconds()), "open-ms")
			ev = &other
		}
	})
}
