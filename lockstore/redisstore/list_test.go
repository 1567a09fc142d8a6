package redisstore_test

import (
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
)

// TestChangesArePaged checks that a list of changes reads only so much of the log: a
// list that is further behind is full.
func TestChangesArePaged(t *testing.T) {
	t.Parallel()
	const page = 250 // entries
	s, ev := onRedis(t, "redis://"+sharedServer(t), redisstore.Options{}), newEvent(t)
	tooFar := mustList(t, s, ev, "").Version
	mustDo(t, s, ev, lockstore.Lock(ann, "A2"))
	pageBehind := mustList(t, s, ev, "").Version
	for range page / 2 {
		mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
		mustDo(t, s, ev, lockstore.Release(ann, "A1"))
	}
	if snap := mustList(t, s, ev, pageBehind); snap.Full || len(snap.Seats) != 1 || snap.Seats[0].Status != lockstore.Available {
		t.Errorf("%d changes behind: full is %v, seats are %v, want the change of A1 alone", page, snap.Full, snap.Seats)
	}
	if snap := mustList(t, s, ev, tooFar); !snap.Full || len(snap.Seats) != 1 || snap.Seats[0].Status != lockstore.Locked {
		t.Errorf("%d changes behind: full is %v, seats are %v, want A2 alone in a full list", page+1, snap.Full, snap.Seats)
	}
}
