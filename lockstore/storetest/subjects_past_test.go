package storetest

import (
	"cmp"
	"slices"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// ofTheFirst returns a fault that uses a setting of the first call for the event
// in all others.
func ofTheFirst(set func(ev *lockstore.Event, first lockstore.Event)) func(*broken) {
	return func(b *broken) {
		first := make(map[lockstore.EventID]lockstore.Event)
		b.before = func(o *operation) {
			if _, ok := first[o.ev.ID]; !ok {
				first[o.ev.ID] = o.ev
			}
			set(&o.ev, first[o.ev.ID])
		}
	}
}

var lockTimeOfTheFirst = ofTheFirst(func(ev *lockstore.Event, first lockstore.Event) { ev.LockTTL = first.LockTTL })

var limitOfTheFirst = ofTheFirst(func(ev *lockstore.Event, first lockstore.Event) { ev.SeatLimit = first.SeatLimit })

func eventsOfSettingsApart(b *broken) {
	b.key = func(ev *lockstore.Event) lockstore.EventID { return ev.ID + lockstore.EventID(ev.LockTTL.String()) }
}

// retryShortens lets a lock last no longer than the lock time of its last retry.
var retryShortens = beforeSeats(lockstore.KindLock, func(o *operation, s *engine.SeatState) {
	if s.User == o.op.User {
		s.Expires = min(s.Expires, o.now+o.ev.LockTTL.Milliseconds())
	}
})

// retryAnswersItsTime answers a retry with an end that no list shows.
var retryAnswersItsTime = after(func(o *operation, r *lockstore.Result) {
	if end := r.Now.Add(o.ev.LockTTL); o.op.Kind == lockstore.KindLock && end.Before(r.Expires) {
		r.Expires = end
	}
})

// listsShowTheLastTime lists all locks as if they lasted as long as those of the
// last call.
func listsShowTheLastTime(b *broken) {
	last := make(map[*event]time.Duration)
	b.before = func(o *operation) { last[o.event] = o.ev.LockTTL }
	b.listed = func(e *event, _ lockstore.Version, snap *lockstore.Snapshot) {
		for i, s := range snap.Seats {
			if s.Status == lockstore.Locked {
				snap.Seats[i].Expires = min(s.Expires, snap.Now+last[e].Milliseconds())
			}
		}
	}
}

// remembering returns a fault that forgets all but the last expired locks of each
// seat and of each user.
func remembering(ofSeat, ofUser int) func(*broken) {
	return func(b *broken) {
		b.before = func(o *operation) {
			o.forgetOfSeats(ofSeat)
			o.forgetOfUser(ofUser)
		}
	}
}

func (o *operation) forgetOfSeats(most int) {
	o.edit(o.at, func(o *operation, s *engine.SeatState) {
		if s.User != "" && !s.Booked && !live(*s, o.now) {
			s.Expired, s.User = append(slices.Clone(s.Expired), engine.ExpiredLock{User: s.User, Expires: s.Expires}), ""
		}
		s.Expired = s.Expired[max(0, len(s.Expired)-most):]
	})
}

// forgetOfUser forgets locks of the user of the operation.
func (o *operation) forgetOfUser(most int) {
	if o.op.Kind != lockstore.KindConfirm {
		return
	}
	type lapse struct {
		at      int
		expires int64
	}
	var lapses []lapse
	for _, p := range o.all() {
		s := o.state.Seat(p)
		if s.User == o.op.User && !s.Booked && !live(s, o.now) {
			lapses = append(lapses, lapse{p, s.Expires})
		}
		for _, e := range s.Expired {
			if e.User == o.op.User {
				lapses = append(lapses, lapse{p, e.Expires})
			}
		}
	}
	slices.SortStableFunc(lapses, func(a, b lapse) int { return cmp.Compare(a.expires, b.expires) })
	for _, l := range lapses[:max(0, len(lapses)-most)] {
		o.edit([]int{l.at}, func(o *operation, s *engine.SeatState) {
			if s.User == o.op.User && !s.Booked {
				s.User = ""
			}
			s.Expired = slices.DeleteFunc(slices.Clone(s.Expired), func(e engine.ExpiredLock) bool { return e.User == o.op.User })
		})
	}
}
