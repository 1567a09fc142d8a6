package pgstore

import (
	"cmp"
	"slices"
	"time"

	"seatlock/lockstore"
)

// An eventKey is an event as a caller knows it.
type eventKey struct {
	id          lockstore.EventID
	fingerprint string
}

// A seatKey is a seat, by the number of its event in the batch.
type seatKey struct {
	event, place int32
}

// A userKey is a user of an event, by the number of the event in the batch.
type userKey struct {
	event int32
	user  lockstore.UserID
}

// args returns the arguments of carry_out for calls of one kind.
func args(calls []*call) []any {
	var called, layouts []string
	var latest []int32
	events, revisions := make(map[eventKey]int32, 1), make(map[eventKey]int32, 1)
	for _, c := range calls {
		events[c.Work.event] = 0
		revisions[c.Work.event] = max(c.Work.revision, revisions[c.Work.event])
	}
	keys := make([]eventKey, 0, len(events))
	for key := range events {
		keys = append(keys, key)
	}
	// All batches of all processes lock rows in the same order: by the name of the event,
	// then by place.
	slices.SortFunc(keys, func(a, b eventKey) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.fingerprint, b.fingerprint))
	})
	for i, key := range keys {
		events[key] = int32(i + 1)
		called, layouts = append(called, string(key.id)), append(layouts, key.fingerprint)
		latest = append(latest, revisions[key])
	}

	var seats []namedSeat
	users, names := make(map[userKey]int32, len(calls)), make([]string, 0, len(calls))
	var userEvents, who, ends []int32
	for _, c := range calls {
		event := events[c.Work.event]
		key := userKey{event, c.Work.user}
		user := users[key]
		if user == 0 {
			userEvents, names = append(userEvents, event), append(names, string(c.Work.user))
			user = int32(len(names))
			users[key] = user
		}
		for i, p := range c.Work.places {
			seats = append(seats, namedSeat{seatKey{event, p}, c.Work.names[i], user, len(seats)})
		}
		who, ends = append(who, user), append(ends, int32(len(seats)))
	}

	slices.SortFunc(seats, func(a, b namedSeat) int { return cmp.Or(cmp.Compare(a.event, b.event), cmp.Compare(a.place, b.place)) })
	var seatEvents, places, seatUsers []int32
	var seatNames []string
	wanted := make([]int32, len(seats))
	for i, s := range seats {
		if i == 0 || s.seatKey != seats[i-1].seatKey {
			seatEvents, places, seatUsers = append(seatEvents, s.event), append(places, s.place), append(seatUsers, s.user)
			seatNames = append(seatNames, s.name)
		}
		wanted[s.number] = int32(len(places))
	}
	t := calls[0].Work.terms
	return []any{t.kind.String(), t.lasts, t.most, t.blocked, called, layouts, latest, seatEvents, places, seatNames, seatUsers, userEvents, names, who, wanted, ends,
		each(calls, func(w *work) string { return w.ref }),
		each(calls, func(w *work) string { return w.by }),
		times(calls, func(w *work) time.Time { return w.until }),
		each(calls, func(w *work) int64 { return w.longest.Milliseconds() }),
		times(calls, func(w *work) time.Time { return w.notAfter }),
		times(calls, func(w *work) time.Time { return w.notBefore }),
	}
}

// lockOneArgs returns the arguments of lock_one.
func (w *work) lockOneArgs() []any {
	return []any{w.lasts, w.most, string(w.event.id), w.event.fingerprint, w.revision, w.places[0], w.names[0], string(w.user)}
}

// each returns what each of the calls has, or nil if none of them has any.
func each[T comparable](calls []*call, of func(*work) T) []T {
	var none T
	var all []T
	for i, c := range calls {
		if v := of(&c.Work); v != none {
			if all == nil {
				all = make([]T, len(calls))
			}
			all[i] = v
		}
	}
	return all
}

// times returns the time of each of the calls, nil for no time, or nil if none has any.
func times(calls []*call, of func(*work) time.Time) []*time.Time {
	return each(calls, func(w *work) *time.Time {
		if t := of(w); !t.IsZero() {
			return &t
		}
		return nil
	})
}

// A namedSeat is a seat that a call names: number is its index among all that are named.
type namedSeat struct {
	seatKey
	name   string
	user   int32
	number int
}
