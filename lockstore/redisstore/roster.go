package redisstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// rosterSeats is how many seats are read at a time: a fraction of a millisecond of
// Redis.
const rosterSeats = 500

// Roster implements [lockstore.LockStore]. It reads the seats' own keys: a user's are
// found by the user's sorted set.
func (s *Store) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	seq, err := s.rosterSeq(ctx, ev, f)
	if err != nil {
		return "", func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, err) }
	}
	f.Seats = slices.Clone(f.Seats)
	return seq, func(yield func(lockstore.Holding, error) bool) {
		for page, err := range s.rosterPages(ctx, ev, f) {
			var holdings []lockstore.Holding
			if err == nil {
				holdings, err = s.holdings(ctx, ev, page)
			}
			if err != nil {
				yield(lockstore.Holding{}, endedBy(ctx, err))
				return
			}
			for _, h := range holdings {
				if f.User != "" && h.User != f.User {
					continue
				}
				if !yield(h, nil) {
					return
				}
			}
		}
	}
}

// rosterSeq checks the filter and returns the Seq from before the roster's first page.
func (s *Store) rosterSeq(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, error) {
	if err := f.Check(ev); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	seq, err := s.lastSeq(bounded, ev)
	return seq, endedBy(ctx, err)
}

// rosterPages returns the positions of the seats that the filter may choose, in
// order and in pages.
func (s *Store) rosterPages(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) iter.Seq2[[]int, error] {
	return func(yield func([]int, error) bool) {
		var all []int
		switch {
		case f.User != "":
			var err error
			if all, err = s.seatsOf(ctx, ev, f.User); err != nil {
				yield(nil, err)
				return
			}
		case len(f.Seats) > 0:
			for _, seat := range f.Seats {
				p, _ := ev.Position(seat)
				all = append(all, p)
			}
			slices.Sort(all)
		default:
			page := make([]int, 0, rosterSeats)
			for p := range ev.Seats {
				if page = append(page, p); len(page) == rosterSeats || p == len(ev.Seats)-1 {
					if !yield(page, nil) {
						return
					}
					page = page[:0]
				}
			}
			return
		}
		for page := range slices.Chunk(all, rosterSeats) {
			if !yield(page, nil) {
				return
			}
		}
	}
}

// seatsOf returns the positions, in order, of the seats in a user's set. ZSCAN misses
// no seat that is in the set throughout.
func (s *Store) seatsOf(ctx context.Context, ev *lockstore.Event, user lockstore.UserID) ([]int, error) {
	var all []int
	for cursor := uint64(0); ; {
		bounded, cancel := context.WithTimeout(ctx, callTime)
		pairs, next, err := s.redis.ZScan(bounded, userKey(ev, user), cursor, "", rosterSeats).Result()
		cancel()
		if err != nil {
			return nil, unavailable(err)
		}
		for i := 0; i < len(pairs); i += 2 {
			if p, ok := ev.Position(lockstore.SeatID(pairs[i])); ok {
				all = append(all, p)
			}
		}
		if cursor = next; cursor == 0 {
			slices.Sort(all)
			return slices.Compact(all), nil
		}
	}
}

// holdings returns those of the seats that are taken, with their users.
func (s *Store) holdings(ctx context.Context, ev *lockstore.Event, at []int) ([]lockstore.Holding, error) {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	keys := make([]string, len(at))
	for i, p := range at {
		keys[i] = seatKey(ev, ev.Seats[p])
	}
	var read *redis.SliceCmd
	now, err := s.query(bounded, ev, func(pipe redis.Pipeliner) { read = pipe.MGet(bounded, keys...) })
	if err != nil {
		return nil, err
	}
	values, err := read.Result()
	if err != nil {
		return nil, unavailable(err)
	}
	var taken []lockstore.Holding
	for i, p := range at {
		text, there := values[i].(string)
		if !there {
			continue
		}
		v, ok := parseValue(text)
		if !ok {
			if v, err = s.byHand(bounded, keys[i]); err != nil {
				return nil, err
			}
		}
		if v.status == lockstore.Available || v.status == lockstore.Locked && v.until <= now {
			continue
		}
		h := lockstore.Holding{Seat: ev.Seats[p], Status: v.status, User: v.user, Ref: v.ref}
		if v.since > 0 {
			h.Since = time.UnixMilli(v.since)
		}
		if v.status == lockstore.Locked {
			h.Expires = time.UnixMilli(v.until)
		}
		taken = append(taken, h)
	}
	return taken, nil
}

// byHand returns what a key that was written by hand means: a lock until the key ends, or a
// booking, without a user.
func (s *Store) byHand(ctx context.Context, key string) (seatValue, error) {
	end := redis.NewIntCmd(ctx, "pexpiretime", key)
	if err := s.redis.Process(ctx, end); err != nil && !errors.Is(err, redis.Nil) {
		return seatValue{}, unavailable(err)
	}
	switch end.Val() {
	case -2: // the key is gone
		return seatValue{status: lockstore.Available}, nil
	case -1:
		return seatValue{status: lockstore.Booked}, nil
	}
	return seatValue{status: lockstore.Locked, until: end.Val()}, nil
}
