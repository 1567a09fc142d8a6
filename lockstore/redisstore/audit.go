package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

const (
	// auditSeats is how many seats are compared at a time: a fraction of a
	// millisecond of Redis.
	auditSeats = 250

	// auditKeys is how many keys are looked through at a time for users.
	auditKeys = 1000
)

// A Difference is data that disagrees with the seat's own key, which it was derived
// from. Operations leave none. Keys that were deleted, written or moved by hand
// do.
type Difference struct {
	Seat lockstore.SeatID
	User lockstore.UserID // whose count of seats is wrong; "" if lists are
	Is   string           // what is there
	Want string           // what the seat's key says
}

func (d Difference) String() string {
	if d.User != "" {
		return fmt.Sprintf("user %s has seat %s %s, but is counted with it %s", d.User, d.Seat, d.Want, d.Is)
	}
	return fmt.Sprintf("seat %s is %s, but is listed as %s", d.Seat, d.Want, d.Is)
}

// Audit compares the view and the users' seats with the seats' own keys. It may
// run while seats are sold, but fails with [lockstore.ErrOtherSeats] if the layout
// changes meanwhile. To find users without seats it looks through all keys
// of the Redis.
func (s *Store) Audit(ctx context.Context, ev *lockstore.Event) ([]Difference, error) {
	return s.audit(ctx, ev, false)
}

// Rebuild makes the view and the users' seats agree with the seats' own keys, and
// returns what it changed. It may run while seats are sold, since each seat is
// compared and repaired in one step. It fails with [lockstore.ErrOtherSeats] if the
// layout changes meanwhile.
//
// Rebuild migrates an event that an older version of Seatlock wrote. What that
// version knew of expired locks is then lost: for ten minutes, a confirm may fail
// with [lockstore.LockNotHeld] where it should with [lockstore.LockExpired].
func (s *Store) Rebuild(ctx context.Context, ev *lockstore.Event) ([]Difference, error) {
	if err := s.migrate(ctx, ev); err != nil {
		return nil, err
	}
	return s.audit(ctx, ev, true)
}

// An audit is one comparison of an event.
type audit struct {
	*Store
	ev     *lockstore.Event
	repair bool
	owners map[lockstore.SeatID]lockstore.UserID // by the seats' keys
	differ []Difference
}

func (s *Store) audit(ctx context.Context, ev *lockstore.Event, repair bool) ([]Difference, error) {
	if err := s.Open(ctx, ev); err != nil {
		return nil, err
	}
	a := &audit{Store: s, ev: ev, repair: repair, owners: make(map[lockstore.SeatID]lockstore.UserID)}
	for start := 0; start < len(ev.Seats); start += auditSeats {
		if err := a.seats(ctx, start, ev.Seats[start:min(start+auditSeats, len(ev.Seats))]); err != nil {
			return a.differ, err
		}
	}
	return a.differ, a.users(ctx)
}

// seats compares the seats, whose positions begin at start, with their part of
// the view and with the sets of their users.
func (a *audit) seats(ctx context.Context, start int, seats []lockstore.SeatID) error {
	keys := []any{mapKey(a.ev), viewKey(a.ev), logKey(a.ev)}
	for _, seat := range seats {
		keys = append(keys, seatKey(a.ev, seat))
	}
	answer, err := a.eval(ctx, auditScript, keys, mapText(a.ev), start*recordLen, a.repair, newNonce())
	if err != nil {
		return err
	}
	if found, other := answer.(string); other { // the layout has changed since Open
		return refused(a.ev, found)
	}
	parts, _ := answer.([]any)
	if len(parts) != 4 {
		return fmt.Errorf("redisstore: Redis answered %v", answer)
	}
	now, _ := parts[0].(int64)
	seen, _ := parts[1].([]any)
	ends, _ := parts[2].([]any)
	values, _ := parts[3].([]any)
	if len(seen) != len(seats) || len(ends) != len(seats) || len(values) != len(seats) {
		return fmt.Errorf("redisstore: Redis answered for %d seats about %d", len(seats), len(ends))
	}
	untils := make(map[lockstore.SeatID]int64) // of the seats that a user has
	for i, seat := range seats {
		listed, _ := seen[i].(int64)
		end, _ := ends[i].(int64)
		if is, want := statusText(listed, now), statusText(end, now); is != want {
			a.differ = append(a.differ, Difference{Seat: seat, Is: is, Want: want})
		}
		value, _ := values[i].(string) // nil if there is none
		if v, ok := parseValue(value); ok && v.user != "" && end > 0 {
			a.owners[seat], untils[seat] = v.user, end
		}
	}
	return a.counted(ctx, seats, untils)
}

// statusText says what the seat's status is at the time.
func statusText(until, now int64) string {
	seat := listed(0, until, now)
	if seat.Status == lockstore.Locked {
		return "locked until " + time.UnixMilli(seat.Expires).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return seat.Status.String()
}

// counted checks that the users who have seats are counted with them. untils has those of
// the seats that a user has.
func (a *audit) counted(ctx context.Context, seats []lockstore.SeatID, untils map[lockstore.SeatID]int64) error {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	pipe := a.redis.Pipeline()
	scores := make(map[lockstore.SeatID]*redis.FloatCmd)
	for seat := range untils {
		scores[seat] = pipe.ZScore(bounded, userKey(a.ev, a.owners[seat]), string(seat))
	}
	exec(bounded, pipe)
	for _, seat := range seats {
		until, has := untils[seat]
		if !has {
			continue
		}
		counted, err := scores[seat].Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return unavailable(err)
		}
		if int64(counted) == until {
			continue
		}
		// The seat may just have changed hands, so look at both keys in one step.
		if err := a.user(ctx, a.owners[seat], seat); err != nil {
			return err
		}
	}
	return nil
}

// users checks that no user is counted with a seat that the user does not have.
func (a *audit) users(ctx context.Context) error {
	node, err := a.master(ctx, mapKey(a.ev))
	if err != nil {
		return unavailable(err)
	}
	prefix := userKey(a.ev, "")
	for cursor := uint64(0); ; {
		bounded, cancel := context.WithTimeout(ctx, callTime)
		keys, next, err := node.Scan(bounded, cursor, prefix+"*", auditKeys).Result()
		cancel()
		if err != nil {
			return unavailable(err)
		}
		if err := a.sets(ctx, prefix, keys); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// sets looks through the sets of users.
func (a *audit) sets(ctx context.Context, prefix string, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	words := make([]any, len(keys))
	for i, key := range keys {
		words[i] = key
	}
	answer, err := a.eval(ctx, auditSetsScript, words)
	if err != nil {
		return err
	}
	found, _ := answer.([]any)
	for _, f := range found {
		set, _ := f.([]any)
		if len(set) == 0 {
			return fmt.Errorf("redisstore: Redis answered %v", answer)
		}
		number, _ := set[0].(int64)
		user := lockstore.UserID(strings.TrimPrefix(keys[number], prefix))
		for _, member := range set[1:] {
			id, _ := member.(string)
			if seat := lockstore.SeatID(id); a.owners[seat] != user {
				if err := a.user(ctx, user, seat); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// user compares what the user is counted with for the seat with the seat's key, in
// one step: what was read before may have changed.
func (a *audit) user(ctx context.Context, user lockstore.UserID, seat lockstore.SeatID) error {
	answer, err := a.eval(ctx, auditUserScript, []any{userKey(a.ev, user), seatKey(a.ev, seat)}, string(user), string(seat), a.repair)
	if err != nil {
		return err
	}
	parts, _ := answer.([]any)
	if len(parts) != 3 {
		return fmt.Errorf("redisstore: Redis answered %v", answer)
	}
	now, _ := parts[0].(int64)
	counted, _ := parts[1].(int64)
	has, _ := parts[2].(int64)
	if is, want := statusText(counted, now), statusText(has, now); is != want {
		a.differ = append(a.differ, Difference{Seat: seat, User: user, Is: is, Want: want})
	}
	return nil
}
