package redisstore_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest"
)

// TestReplacementBesideSellers checks that, if the layout of an event is replaced while
// many sell it, every booking is there afterwards, with its seat and its user.
func TestReplacementBesideSellers(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"server": "redis://" + sharedServer(t), "cluster": sharedCluster(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := newEvent(t, storetest.Seats(3000)...)
			seats := slices.Clone(old.Seats)
			slices.Reverse(seats)
			layout, err := lockstore.NewLayout(append(seats, "new"))
			if err != nil {
				t.Fatal(err)
			}
			next := *old
			next.Layout, next.Revision = layout, 1

			const sellers = 16
			booked := make([]map[lockstore.SeatID]lockstore.UserID, sellers)
			var refused atomic.Int32
			var all sync.WaitGroup
			for i := range sellers {
				booked[i] = make(map[lockstore.SeatID]lockstore.UserID)
				s := onRedis(t, url, redisstore.Options{})
				all.Go(func() {
					ev := old
					for n := i; n < 1000; n += sellers {
						user, seat := lockstore.UserID(fmt.Sprint("user", n%40)), old.Seats[n]
						for _, op := range []lockstore.Op{lockstore.Lock(user, seat), lockstore.Confirm(user, seat)} {
							err := do(t, s, ev, op)
							if errors.Is(err, lockstore.ErrOtherSeats) {
								refused.Add(1)
								ev = &next
								err = do(t, s, ev, op)
							}
							if err != nil {
								t.Errorf("%v of %s: %v", op.Kind, seat, err)
								return
							}
						}
						booked[i][seat] = user
					}
				})
			}
			s := onRedis(t, url, redisstore.Options{})
			time.Sleep(20 * time.Millisecond)
			if err := s.Open(t.Context(), &next); err != nil {
				t.Error(err)
			}
			all.Wait()
			if refused.Load() != sellers {
				t.Errorf("%d of %d sellers saw the layout change", refused.Load(), sellers)
			}
			if differ, err := s.Audit(t.Context(), &next); err != nil || len(differ) != 0 {
				t.Errorf("Audit: %v, %v", differ, err)
			}
			got := make(map[lockstore.SeatID]lockstore.UserID)
			_, holdings := s.Roster(t.Context(), &next, lockstore.Filter{})
			for h, err := range holdings {
				if err != nil {
					t.Fatal(err)
				}
				got[h.Seat] = h.User
			}
			for _, theirs := range booked {
				for seat, user := range theirs {
					if got[seat] != user {
						t.Errorf("%s is %q's, want %s", seat, got[seat], user)
					}
				}
			}
			if len(got) != 1000 {
				t.Errorf("%d seats are taken, want 1000", len(got))
			}
			if entries, err := s.Journal(t.Context(), &next, "", lockstore.MaxEntries); err != nil || len(entries) != 1000 {
				t.Errorf("the journal has %d entries, %v, want 1000", len(entries), err)
			}
		})
	}
}
