package seatlist

import (
	"context"
	"strconv"

	"seatlock/lockstore"
)

// A Snapshot is every seat of an event at one moment.
type Snapshot struct {
	feed  *Feed
	seats *seats
	now   int64 // the store's clock, in Unix milliseconds
}

// Counts are the numbers of seats in each state.
type Counts struct{ Available, Locked, Booked int }

// Counts counts the seats.
func (s Snapshot) Counts() Counts {
	locked, booked := s.seats.locked, s.seats.booked
	return Counts{len(s.seats.ev.Seats) - locked - booked, locked, booked}
}

// Tag identifies the state of the seats: snapshots with the same tag differ in
// their time alone. It consists of the characters of a [lockstore.Version].
func (s Snapshot) Tag() string {
	// At one version, only the number of expired locks can differ.
	return string(s.seats.version) + "." + strconv.Itoa(s.seats.locked)
}

func (s Snapshot) all() *List { return s.list(true, s.seats.all()) }

// WithStatus returns the list of the seats that have the status.
func (s Snapshot) WithStatus(status lockstore.Status) *List {
	var body []byte
	for _, b := range s.seats.blocks {
		for i := range b.ids {
			if b.status(i) == status {
				body = b.appendSeat(comma(body), i)
			}
		}
	}
	return s.list(true, one(body))
}

// Since returns the list of the seats that changed after the version. It is the
// list of every seat if the version is empty or the store no longer knows it.
func (s Snapshot) Since(ctx context.Context, version lockstore.Version) (*List, error) {
	switch version {
	case "":
		return s.all(), nil
	case s.seats.version:
		return s.list(false, one(nil)), nil
	}
	snap, err := s.feed.store.List(ctx, s.seats.ev, version)
	if err != nil {
		return nil, err
	}
	if snap.Full {
		return s.all(), nil
	}
	// The answer may name seats that changed after this Snapshot. They are listed
	// as they are in it, which does no harm.
	var body []byte
	for _, changed := range snap.Seats {
		b, i := s.seats.at(int(changed.Position))
		body = b.appendSeat(comma(body), i)
	}
	return s.list(false, one(body)), nil
}

func comma(body []byte) []byte {
	if len(body) > 0 {
		return append(body, ',')
	}
	return body
}
