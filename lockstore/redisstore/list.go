package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// deltaPage is how many log entries a list of changes reads. That takes Redis about
// 0.1 ms, as a full list does, and a few milliseconds if each entry names as many
// seats as a trip can have. A list that is further behind is full.
const deltaPage = 250

// List implements [lockstore.LockStore]. A full list costs Redis one GET of six
// bytes a seat.
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return lockstore.Snapshot{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	snap, err := s.list(bounded, ev, since)
	if err != nil && ctx.Err() != nil {
		return lockstore.Snapshot{}, ctx.Err() // nothing was done, and this is why
	}
	return snap, err
}

func (s *Store) list(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	if from, ok := parseEntryID(since); ok {
		snap, known, err := s.delta(ctx, ev, from)
		if err != nil || known {
			return snap, err
		}
	}
	return s.full(ctx, ev)
}

// full reads the view and the newest log entry in one moment.
func (s *Store) full(ctx context.Context, ev *lockstore.Event) (lockstore.Snapshot, error) {
	var view *redis.StringCmd
	var last *redis.XMessageSliceCmd
	now, err := s.query(ctx, ev, func(pipe redis.Pipeliner) {
		view = pipe.Get(ctx, viewKey(ev))
		last = pipe.XRevRangeN(ctx, logKey(ev), "+", "-", 1)
	})
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	if err := view.Err(); err != nil && !errors.Is(err, redis.Nil) { // there is none before the first lock
		return lockstore.Snapshot{}, unavailable(err)
	}
	version, err := newest(last)
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	seats := decodeView(view.Val(), len(ev.Seats), now)
	return lockstore.Snapshot{Version: version, Full: true, Now: now, Seats: seats}, nil
}

// decodeView returns the taken seats of a view of that many seats.
//
// Nothing predicts which seats are taken, and mispredicted branches would cost
// more than all the rest. So each seat is written to the list, over the last one
// unless that is taken.
func decodeView(view string, seats int, now int64) []lockstore.ListedSeat {
	written := min(seats, len(view)/recordLen) // nobody ever had the seats after these
	taken := 0
	for p := range written {
		taken += later(recordAt(view, p), now)
	}
	list := make([]lockstore.ListedSeat, taken+1)
	next := 0
	for p := range written {
		until := recordAt(view, p)
		endless := later(until, blockedRecord-1) // booked or blocked
		status := int(lockstore.Locked) + endless*int(lockstore.Blocked-lockstore.Locked) - later(until, blockedRecord)
		list[next] = lockstore.ListedSeat{
			Position: int32(p),
			Status:   lockstore.Status(status), // Booked is one less than Blocked
			Expires:  until * int64(1-endless),
		}
		next += later(until, now)
	}
	return list[:taken]
}

// later returns 1 if a is after b, else 0.
func later(a, b int64) int { return int(uint64(b-a) >> 63) }

// recordAt returns the time until which the seat at p is taken, by the view.
func recordAt(view string, p int) int64 {
	r := view[p*recordLen : (p+1)*recordLen]
	high := uint32(r[0])<<24 | uint32(r[1])<<16 | uint32(r[2])<<8 | uint32(r[3])
	low := uint16(r[4])<<8 | uint16(r[5])
	return int64(high)<<16 | int64(low)
}

// delta reads the log after an entry. known is false if the log no longer has the entry,
// or has more than a page after it.
func (s *Store) delta(ctx context.Context, ev *lockstore.Event, from entryID) (snap lockstore.Snapshot, known bool, err error) {
	var page *redis.XMessageSliceCmd
	snap.Now, err = s.query(ctx, ev, func(pipe redis.Pipeliner) {
		page = pipe.XRangeN(ctx, logKey(ev), from.stream(), "+", deltaPage+2)
	})
	if err != nil {
		return snap, false, err
	}
	entries, err := page.Result()
	if err != nil {
		return snap, false, unavailable(err)
	}
	if len(entries) == 0 || len(entries) > 1+deltaPage || entryOf(entries[0]) != from {
		return snap, false, nil
	}
	until := make(map[int]int64) // by position
	for _, e := range entries[1:] {
		if err := fold(ev.ID, len(ev.Seats), until, e); err != nil {
			return snap, false, err
		}
	}
	snap.Version = entryOf(entries[len(entries)-1]).version()
	for _, p := range slices.Sorted(maps.Keys(until)) {
		snap.Seats = append(snap.Seats, listed(p, until[p], snap.Now))
	}
	return snap, true, nil
}

// fold adds a log entry of an event with so many seats: a nonce, and "until place
// place …;until place …".
func fold(event lockstore.EventID, seats int, until map[int]int64, e redis.XMessage) error {
	for _, value := range e.Values {
		text, _ := value.(string)
		if text == "" { // the first entry, which has no changes
			continue
		}
		for alike := range strings.SplitSeq(text, ";") {
			end, places, _ := strings.Cut(alike, " ")
			time, badEnd := strconv.ParseInt(end, 10, 64)
			for p := range strings.SplitSeq(places, " ") {
				place, err := strconv.Atoi(p)
				at := place / recordLen
				if badEnd != nil || err != nil || place < 0 || at >= seats {
					return fmt.Errorf("redisstore: the log of event %s has %q at %s", event, text, e.ID)
				}
				until[at] = time
			}
		}
	}
	return nil
}

// query reads the clock of Redis and, at the same moment, what the commands of add ask
// for. It opens the event if necessary. The commands of add have their own errors.
//
// The clock is computed from the map key: its end, less the time that is left
// until then. TIME names no key, so a Cluster would not run it with the others.
func (s *Store) query(ctx context.Context, ev *lockstore.Event, add func(redis.Pipeliner)) (int64, error) {
	for {
		if !s.recorded.has(ev) {
			if err := s.admit(ctx, ev); err != nil {
				return 0, err
			}
		}
		pipe := s.redis.TxPipeline()
		known := pipe.Get(ctx, mapKey(ev))
		end := redis.NewIntCmd(ctx, "pexpiretime", mapKey(ev)) // bookedUntil, or a little later after a move to another server
		_ = pipe.Process(ctx, end)                             // PExpireTime's result cannot be so far off
		left := pipe.PTTL(ctx, mapKey(ev))
		length := pipe.XLen(ctx, logKey(ev))
		add(pipe)
		exec(ctx, pipe)
		if err := errors.Join(end.Err(), left.Err(), length.Err()); err != nil {
			return 0, unavailable(err)
		}
		if known.Err() == nil && known.Val() == mapText(ev) && left.Val() > 0 && length.Val() > 0 {
			return end.Val() - left.Val().Milliseconds(), nil
		}
		if err := s.admit(ctx, ev); err != nil {
			return 0, err
		}
	}
}
