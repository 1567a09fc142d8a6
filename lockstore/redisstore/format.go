package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// ErrFormat is returned for an event that another version of Seatlock wrote to
// Redis. Nothing was done. [Store.Rebuild] migrates an event of an older version.
var ErrFormat = errors.New("redisstore: another version of Seatlock wrote the event")

// The map key of an event holds format and then the fingerprint. Versions with
// another format find a text that is not theirs, and refuse the event in the
// same step in which they would change a seat: an older and a newer process never
// sell seats of one event at the same time.
//
// Format 2 had no layout key, no journal and no blocked seats. All that it wrote is
// valid in this format, so the first call of this version takes the event over.
//
// While Forget removes the event, the key holds forgetting and then a nonce.
//
// In format 1 the key holds the fingerprint alone. While Rebuild migrates such an
// event, it holds migrating and then the fingerprint.
const (
	format    = "3 "
	format2   = "2 "
	migrating = "1 to 2 " // as the version of format 2 has it, so that this one can end what that began
)

func mapText(ev *lockstore.Event) string { return format + ev.Fingerprint() }

func format2Text(ev *lockstore.Event) string { return format2 + ev.Fingerprint() }

// refused returns the error for an event whose map key holds a text that this
// process must leave there.
func refused(ev *lockstore.Event, found string) error {
	if strings.HasPrefix(found, forgetting) {
		return errForgotten
	}
	rest, ours := strings.CutPrefix(found, format)
	rest, second := strings.CutPrefix(rest, format2)
	rest, begun := strings.CutPrefix(rest, migrating)
	switch {
	case len(rest) != len(ev.Fingerprint()):
		return fmt.Errorf("%w: its format is a newer one (the map key begins with %.10q and not with %q); use that version", ErrFormat, found, format)
	case second:
		return fmt.Errorf("%w (an older version of Seatlock wrote it: run this version once with the seat map that it has)", lockstore.ErrOtherSeats)
	case ours || rest != ev.Fingerprint():
		return lockstore.ErrOtherSeats
	case begun:
		return fmt.Errorf("%w: its migration to this version has begun and not ended; if it was interrupted, run seatlock once with -redis-rebuild", ErrFormat)
	}
	return fmt.Errorf("%w: its format is an older one; end every process of that version, then run seatlock once with -redis-rebuild", ErrFormat)
}

// migrate brings an event from format 1 to this one. It is safe to repeat after a
// failure, and for several processes at once. What users' expired locks were is not
// kept. An event that is not of format 1 stays as it is: its calls go on.
func (s *Store) migrate(ctx context.Context, ev *lockstore.Event) error {
	begun := migrating + ev.Fingerprint()
	from := []string{ev.Fingerprint(), begun}
	old, err := s.lostMap(ctx, ev)
	if err != nil {
		return err
	}
	if old {
		from = append(from, "")
	}
	for _, old := range from {
		found, err := s.swapMap(ctx, ev, old, begun)
		if err != nil {
			return err
		}
		if found == old {
			return s.migrateFrom(ctx, ev, begun)
		}
	}
	return nil
}

// lostMap reports whether the event is one of format 1 whose map key was deleted. Redis
// has nothing of an event that nobody has opened yet.
func (s *Store) lostMap(ctx context.Context, ev *lockstore.Event) (bool, error) {
	found, err := s.look(ctx, ev)
	if err != nil || found.text != "" || found.head != "" { // format 1 has no layout key
		return false, err
	}
	for seats := range slices.Chunk(ev.Seats, auditSeats) {
		keys, _, err := s.oldSeats(ctx, ev, seats)
		if err != nil || len(keys) > 0 {
			return len(keys) > 0, err
		}
	}
	return false, nil
}

// migrateFrom migrates an event whose map key holds begun.
func (s *Store) migrateFrom(ctx context.Context, ev *lockstore.Event, begun string) error {
	if err := s.migrateSeats(ctx, ev, begun); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := s.redis.Unlink(bounded, tag(ev)+":users", tag(ev)+":forget").Err(); err != nil {
		return unavailable(err)
	}
	_, err := s.eval(ctx, openScript, []any{mapKey(ev), layoutKey(ev), logKey(ev)}, mapText(ev), begun, newNonce(), layoutText(ev))
	return err
}

// swapMap replaces the text of the map key if it is old, and returns what it was; ""
// is none.
func (s *Store) swapMap(ctx context.Context, ev *lockstore.Event, old, text string) (string, error) {
	found, err := s.eval(ctx, swapMapScript, []any{mapKey(ev)}, old, text)
	was, _ := found.(string)
	return was, err
}

func (s *Store) migrateSeats(ctx context.Context, ev *lockstore.Event, begun string) error {
	for start := 0; start < len(ev.Seats); start += auditSeats {
		keys, ids, err := s.oldSeats(ctx, ev, ev.Seats[start:min(start+auditSeats, len(ev.Seats))])
		if err != nil {
			return err
		}
		answer, err := s.eval(ctx, migrateScript, append([]any{mapKey(ev)}, keys...), append([]any{begun}, ids...)...)
		if err != nil {
			return err
		}
		if found, other := answer.(string); other {
			if found == mapText(ev) {
				return nil // another process has ended the migration
			}
			return refused(ev, found)
		}
	}
	return nil
}

// oldSeats returns the seats of a part that are taken in format 1: for each its key and
// its user's, and its id. migrate.lua has the form of their values.
func (s *Store) oldSeats(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID) (keys, ids []any, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	names := make([]string, len(seats))
	for i, seat := range seats {
		names[i] = seatKey(ev, seat)
	}
	values, err := s.redis.MGet(ctx, names...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, nil, unavailable(err)
	}
	const userAt = len("L0000000000000:")
	for i, v := range values {
		value, _ := v.(string)
		if len(value) > userAt && (value[0] == 'L' || value[0] == 'B') && value[userAt-1] == ':' {
			keys = append(keys, names[i], userKey(ev, lockstore.UserID(value[userAt:])))
			ids = append(ids, string(seats[i]))
		}
	}
	return keys, ids, nil
}
