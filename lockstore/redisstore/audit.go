package redisstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// auditSeats is how many seats are compared at a time: a fraction of a
// millisecond of Redis.
const auditSeats = 250

// A Difference is data that disagrees with the seats' own keys, which it was made
// from. Operations leave none. Keys that were deleted, written or moved by hand
// do. It is about a seat or about a user.
type Difference struct {
	Seat lockstore.SeatID // the view, and so every list, has this seat wrong
	User lockstore.UserID // the seats of this user are counted wrong
	Is   string           // what is there
	Want string           // what the seats' keys say
}

func (d Difference) String() string {
	if d.User != "" {
		return fmt.Sprintf("user %s has %s, but is counted with %s", d.User, d.Want, d.Is)
	}
	return fmt.Sprintf("seat %s is %s, but is listed as %s", d.Seat, d.Want, d.Is)
}

// Audit compares the view and the users' seats with the seats' own keys. It may
// run while seats are sold: it leaves out what differs for a moment only.
func (s *Store) Audit(ctx context.Context, ev *lockstore.Event) ([]Difference, error) {
	first, err := s.audit(ctx, ev, false)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	second, err := s.audit(ctx, ev, false)
	var all []Difference
	for _, d := range second {
		if slices.Contains(first, d) {
			all = append(all, d)
		}
	}
	return all, err
}

// Rebuild makes the view and the users' seats agree with the seats' own keys, and
// returns what it changed. It may run while seats are sold.
func (s *Store) Rebuild(ctx context.Context, ev *lockstore.Event) ([]Difference, error) {
	return s.audit(ctx, ev, true)
}

// audit compares once.
func (s *Store) audit(ctx context.Context, ev *lockstore.Event, repair bool) ([]Difference, error) {
	if err := s.Open(ctx, ev); err != nil {
		return nil, err
	}
	var all []Difference
	has := make(map[lockstore.UserID]*holdings)
	for start := 0; start < len(ev.Seats); start += auditSeats {
		seats := ev.Seats[start:min(start+auditSeats, len(ev.Seats))]
		differ, err := s.auditPart(ctx, ev, start, seats, repair, has)
		if err != nil {
			return all, err
		}
		all = append(all, differ...)
	}
	differ, err := s.auditUsers(ctx, ev, repair, has)
	return append(all, differ...), err
}

// holdings is what a user has by the seats' keys: how many booked, and the
// locked ones by place with their ends.
type holdings struct {
	booked int
	locks  map[int]int64
	places []int // of all
}

// auditPart compares seats with their part of the view, and notes who has them.
func (s *Store) auditPart(ctx context.Context, ev *lockstore.Event, start int, seats []lockstore.SeatID, repair bool, has map[lockstore.UserID]*holdings) ([]Difference, error) {
	keys := []any{viewKey(ev), logKey(ev)}
	for _, seat := range seats {
		keys = append(keys, seatKey(ev, seat))
	}
	answer, err := s.eval(ctx, auditScript, keys, start*recordLen, repair, newNonce())
	if err != nil {
		return nil, err
	}
	parts, _ := answer.([]any)
	if len(parts) != 4 {
		return nil, fmt.Errorf("redisstore: Redis answered %v", answer)
	}
	now, _ := parts[0].(int64)
	seen, _ := parts[1].([]any)
	ends, _ := parts[2].([]any)
	values, _ := parts[3].([]any)
	if len(seen) != len(seats) || len(ends) != len(seats) || len(values) != len(seats) {
		return nil, fmt.Errorf("redisstore: Redis answered for %d seats about %d", len(seats), len(ends))
	}
	var differ []Difference
	for i, seat := range seats {
		value, _ := values[i].(string) // nil if there is none
		listed, _ := seen[i].(int64)
		end, _ := ends[i].(int64)
		if is, want := statusText(listed, now), statusText(end, now); is != want {
			differ = append(differ, Difference{Seat: seat, Is: is, Want: want})
		}
		count(has, value, end, (start+i)*recordLen)
	}
	return differ, nil
}

// statusText says what a seat is at the time.
func statusText(until, now int64) string {
	seat := listed(0, until, now)
	if seat.Status == lockstore.Locked {
		return "locked until " + time.UnixMilli(seat.Expires).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return seat.Status.String()
}

// count adds a seat to those of the user that its value names.
func count(has map[lockstore.UserID]*holdings, value string, end int64, place int) {
	const ownerAt = len("L0000000000000:")
	if len(value) <= ownerAt {
		return // nobody's, or somebody's who is no user of ours
	}
	user := lockstore.UserID(value[ownerAt:])
	h := has[user]
	if h == nil {
		h = &holdings{locks: make(map[int]int64)}
		has[user] = h
	}
	h.places = append(h.places, place)
	if end == bookedUntil {
		h.booked++
	} else {
		h.locks[place] = end
	}
}

// auditUsers compares what the users are down for with what they have.
func (s *Store) auditUsers(ctx context.Context, ev *lockstore.Event, repair bool, has map[lockstore.UserID]*holdings) ([]Difference, error) {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	texts, err := s.redis.HGetAll(bounded, usersKey(ev)).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	now, err := s.query(bounded, ev, func(redis.Pipeliner) {})
	if err != nil {
		return nil, err
	}
	users := make(map[lockstore.UserID]bool)
	for user := range texts {
		users[lockstore.UserID(user)] = true
	}
	for user := range has {
		users[user] = true
	}
	var differ []Difference
	for _, user := range slices.Sorted(maps.Keys(users)) {
		is, want := parseHoldings(texts[string(user)]), has[user]
		if want == nil {
			want = &holdings{}
		}
		d := Difference{User: user, Is: is.text(now), Want: want.text(now)}
		if d.Is == d.Want {
			continue
		}
		differ = append(differ, d)
		if repair {
			if err := s.repairUser(ctx, ev, user, slices.Concat(is.places, want.places)); err != nil {
				return differ, err
			}
		}
	}
	return differ, nil
}

func (s *Store) repairUser(ctx context.Context, ev *lockstore.Event, user lockstore.UserID, places []int) error {
	slices.Sort(places)
	keys, argv := []any{usersKey(ev), forgetKey(ev)}, []any{string(user)}
	for _, place := range slices.Compact(places) {
		if at := place / recordLen; at < len(ev.Seats) {
			keys, argv = append(keys, seatKey(ev, ev.Seats[at])), append(argv, place)
		}
	}
	_, err := s.eval(ctx, rebuildUserScript, keys, argv...)
	return err
}

// parseHoldings reads "booked place:until …".
func parseHoldings(text string) *holdings {
	h := &holdings{locks: make(map[int]int64)}
	booked, locks, _ := strings.Cut(text, " ")
	h.booked, _ = strconv.Atoi(booked) // what is no number differs from what is wanted
	for lock := range strings.FieldsSeq(locks) {
		place, end, _ := strings.Cut(lock, ":")
		until, badEnd := strconv.ParseInt(end, 10, 64)
		if p, err := strconv.Atoi(place); err == nil && badEnd == nil && p >= 0 {
			h.locks[p] = until
			h.places = append(h.places, p)
		}
	}
	return h
}

// text renders what of it counts at the time.
func (h *holdings) text(now int64) string {
	var live []string
	for _, place := range slices.Sorted(maps.Keys(h.locks)) {
		if until := h.locks[place]; until > now {
			live = append(live, fmt.Sprintf("%d:%d", place/recordLen, until))
		}
	}
	return fmt.Sprintf("%d booked and %d locked %v", h.booked, len(live), live)
}

// eval runs a script by itself.
func (s *Store) eval(ctx context.Context, sc *script, keys []any, argv ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var value any
	var err error
	for _, whole := range []bool{false, true} {
		args := append(append(sc.command(whole), len(keys)), keys...)
		cmd := redis.NewCmd(ctx, append(args, argv...)...)
		if err = s.redis.Process(ctx, cmd); err == nil {
			value, err = cmd.Result()
		}
		if !redis.HasErrorPrefix(err, "NOSCRIPT") {
			break
		}
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return value, nil
}
