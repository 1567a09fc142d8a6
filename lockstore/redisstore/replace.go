package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// takenSeats is how many of the old seats are read at a time: less than a
// millisecond of Redis.
const takenSeats = 1000

// A replacement of an event's layout is computed from the keys of its seats, page by
// page. The log has what changed meanwhile: it is read after each page, before its
// entries are trimmed. The script that writes the new layout in one step reads the last
// ones. So a replacement can fail at any point, and sales go on until it is done.
type replacement struct {
	*Store
	ev    *lockstore.Event
	found stored

	old   []lockstore.SeatID
	entry entryID       // of the log: until includes the changes up to this one
	until map[int]int64 // until when the old seats are taken, or 0, by position
	now   int64         // of the clock of Redis, when it was last read
}

// replace replaces the found layout with that of the event. done is false if the
// event has changed so much that the replacement must start over.
func (s *Store) replace(ctx context.Context, ev *lockstore.Event, found stored) (done bool, err error) {
	r := &replacement{Store: s, ev: ev, found: found, until: make(map[int]int64)}
	if same, err := r.begin(ctx); err != nil || !same {
		return false, err
	}
	for start := 0; start < len(r.old); start += takenSeats {
		if err := r.page(ctx, start, r.old[start:min(start+takenSeats, len(r.old))]); err != nil {
			return false, err
		}
		if known, err := r.follow(ctx); err != nil || !known {
			return false, err
		}
	}
	for range mostRounds {
		if err := r.missing(); err != nil {
			return false, err
		}
		switch answer, err := r.write(ctx); {
		case err != nil || answer == replaced:
			return err == nil, err
		case answer == changed:
			return false, nil
		}
		if err := pause(ctx); err != nil {
			return false, err
		}
		if known, err := r.follow(ctx); err != nil || !known {
			return false, err
		}
	}
	return false, tooBusy(ev)
}

// begin reads the old seats and the newest log entry. It reports whether the event
// is as it was found.
func (r *replacement) begin(ctx context.Context) (same bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	pipe := r.redis.TxPipeline()
	text := pipe.Get(ctx, mapKey(r.ev))
	layout := pipe.Get(ctx, layoutKey(r.ev))
	last := pipe.XRevRangeN(ctx, logKey(r.ev), "+", "-", 1)
	exec(ctx, pipe)
	for _, err := range []error{text.Err(), layout.Err(), last.Err()} {
		if err != nil && !errors.Is(err, redis.Nil) {
			return false, unavailable(err)
		}
	}
	seats, same := strings.CutPrefix(layout.Val(), r.found.head)
	if !same || text.Val() != r.found.text {
		return false, nil
	}
	for seat := range strings.SplitSeq(seats, "\n") {
		r.old = append(r.old, lockstore.SeatID(seat))
	}
	if len(last.Val()) == 0 {
		return false, fmt.Errorf("%w: the log of event %s is gone from Redis; run seatlock once with its old seat map", lockstore.ErrUnavailable, r.ev.ID)
	}
	r.entry = entryOf(last.Val()[0])
	return true, nil
}

// page finds which of the old seats from the position start are taken.
func (r *replacement) page(ctx context.Context, start int, seats []lockstore.SeatID) error {
	keys := make([]any, len(seats))
	for i, seat := range seats {
		keys[i] = seatKey(r.ev, seat)
	}
	answer, err := r.eval(ctx, takenScript, keys)
	if err != nil {
		return err
	}
	found, _ := answer.([]any)
	if len(found)%2 != 1 {
		return fmt.Errorf("%w: Redis answered %v", lockstore.ErrUnavailable, answer)
	}
	r.now, _ = found[0].(int64)
	for i := 1; i < len(found); i += 2 {
		number, _ := found[i].(int64)
		until, _ := found[i+1].(int64)
		r.until[start+int(number)] = until
	}
	return nil
}

// follow reads what the log has after r.entry. known is false if the log no longer has
// that entry.
func (r *replacement) follow(ctx context.Context) (known bool, err error) {
	for {
		entries, err := r.entries(ctx)
		if err != nil {
			return false, err
		}
		if len(entries) == 0 || entryOf(entries[0]) != r.entry {
			return false, nil
		}
		for _, e := range entries[1:] {
			if err := fold(r.ev.ID, len(r.old), r.until, e); err != nil {
				return false, err
			}
			r.entry = entryOf(e)
		}
		if len(entries) <= deltaPage {
			return true, nil
		}
	}
}

// entries reads the log from r.entry on.
func (r *replacement) entries(ctx context.Context) ([]redis.XMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	entries, err := r.redis.XRangeN(ctx, logKey(r.ev), r.entry.stream(), "+", deltaPage+1).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	return entries, nil
}

// mostMissing is how many seats a MissingSeatsError names.
const mostMissing = 100

// missing returns the error of a layout that lacks locked or booked seats.
func (r *replacement) missing() error {
	e := &lockstore.MissingSeatsError{Event: r.ev.ID}
	for p, seat := range r.old {
		until := r.until[p]
		if _, kept := r.ev.Position(seat); kept || until <= r.now || until == blockedUntil {
			continue
		}
		if len(e.Seats) < mostMissing {
			e.Seats = append(e.Seats, seat)
		} else {
			e.More++
		}
	}
	if len(e.Seats) == 0 {
		return nil
	}
	return e
}

// What replace.lua answers.
const (
	changed  = 0 // the event is not as it was found
	replaced = 1
	behind   = 2 // the log has too much that is not in until
)

// write replaces the layout unless the event has changed.
func (r *replacement) write(ctx context.Context) (answer int64, err error) {
	keys := []any{mapKey(r.ev), layoutKey(r.ev), viewKey(r.ev), logKey(r.ev)}
	var view []byte
	if len(r.until) > 0 {
		view = make([]byte, len(r.ev.Seats)*recordLen)
	}
	var moves strings.Builder // the new places of the old seats
	for p, seat := range r.old {
		at, kept := r.ev.Position(seat)
		switch until := r.until[p]; {
		case !kept:
			moves.WriteString("        ")
			if until == blockedUntil {
				keys = append(keys, seatKey(r.ev, seat))
			}
			continue
		case until != 0:
			record := binary.BigEndian.AppendUint64(nil, recordOf(until))
			copy(view[at*recordLen:], record[8-recordLen:])
		}
		fmt.Fprintf(&moves, "%08d", at*recordLen)
	}
	unfixed := r.ev.Revision == r.found.revision
	value, err := r.eval(ctx, replaceScript, keys,
		r.found.text, r.found.head, r.entry.stream(), r.entry.nonce, unfixed,
		newNonce(), mapText(r.ev), layoutText(r.ev), view, moves.String())
	if err != nil {
		return 0, err
	}
	answer, ok := value.(int64)
	if !ok {
		return 0, fmt.Errorf("%w: Redis answered %v", lockstore.ErrUnavailable, value)
	}
	return answer, nil
}
