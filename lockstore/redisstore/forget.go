package redisstore

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

const (
	// scanKeys is how many keys are looked through at a time for those of an event:
	// less than a millisecond of Redis.
	scanKeys = 1000

	// forgetKeys is how many keys are deleted at a time.
	forgetKeys = 250
)

// While an event is being forgotten, its map key holds forgetting and then a nonce. A call
// that completes what another began uses the same nonce. No script changes an event with
// such a text, in this version or earlier ones. A key is deleted in the step that compares
// the text, so a slow call deletes nothing of a new event that uses the id again.
const forgetting = "forgetting "

// errForgotten is the error of a call for an event that is being forgotten.
var errForgotten = fmt.Errorf("%w: the event is being forgotten; if that was interrupted, run seatlock once more with -forget", lockstore.ErrUnavailable)

// Booked returns how many seats of the event are booked, and reports whether Redis has
// anything of the event besides its orders. It looks through all keys of Redis, so the
// event's layout need not be known.
func (s *Store) Booked(ctx context.Context, id lockstore.EventID) (booked int, known bool, err error) {
	if err := id.Check(); err != nil {
		return 0, false, err
	}
	ev := &lockstore.Event{ID: id}
	counted := make(map[string]bool) // a scan may find a key twice
	for keys, err := range s.keysOf(ctx, ev) {
		if err != nil {
			return 0, false, endedBy(ctx, err)
		}
		known = true
		keys = slices.DeleteFunc(keys, func(key string) bool {
			return counted[key] || !strings.HasPrefix(key, seatKey(ev, ""))
		})
		for page := range slices.Chunk(keys, rosterSeats) {
			if err := s.countBooked(ctx, page, counted); err != nil {
				return 0, false, endedBy(ctx, err)
			}
		}
	}
	return len(counted), known, nil
}

// countBooked adds the keys of booked seats to counted.
func (s *Store) countBooked(ctx context.Context, keys []string, counted map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	values, err := s.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return unavailable(err)
	}
	for i, value := range values {
		text, there := value.(string)
		if !there {
			continue
		}
		v, ok := parseValue(text)
		if !ok { // it was written by hand, or in format 1
			if v, err = s.byHand(ctx, keys[i]); err != nil {
				return err
			}
		}
		if v.status == lockstore.Booked {
			counted[keys[i]] = true
		}
	}
	return nil
}

// Forget removes everything of the event except its orders from Redis: its bookings are
// then gone, and the id can be used again, with any layout. Forgetting an event that Redis
// does not have is not an error.
//
// Forget first takes the event out of use, in one step: from then on, until everything is
// removed, every call for it in any process fails. If Forget fails, it may be called again
// and continues. Afterwards, a process that still has the event sells all of its seats again.
//
// Forget looks through all keys of Redis, twice. A million keys take seconds.
func (s *Store) Forget(ctx context.Context, id lockstore.EventID) error {
	if err := id.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ev := &lockstore.Event{ID: id}
	answer, err := s.eval(ctx, forgetBeginScript, []any{mapKey(ev)}, forgetting+newNonce().text, forgetting)
	if err != nil {
		return endedBy(ctx, err)
	}
	text, _ := answer.(string)
	// Only a scan that finds nothing proves that nothing is left: while a slot moves to
	// another server, a scan may miss keys.
	for found := true; found; {
		found = false
		for keys, err := range s.keysOf(ctx, ev) {
			if err != nil {
				return endedBy(ctx, err)
			}
			keys = slices.DeleteFunc(keys, func(key string) bool { return key == mapKey(ev) })
			for page := range slices.Chunk(keys, forgetKeys) {
				found = true
				if ended, err := s.forgetKeys(ctx, ev, text, page); ended || err != nil {
					return endedBy(ctx, err)
				}
			}
		}
	}
	_, err = s.forgetKeys(ctx, ev, text, []string{mapKey(ev)})
	return endedBy(ctx, err)
}

// forgetKeys deletes keys of the event. It reports whether another call has completed the
// removal meanwhile.
func (s *Store) forgetKeys(ctx context.Context, ev *lockstore.Event, text string, names []string) (ended bool, err error) {
	keys := []any{mapKey(ev)}
	for _, name := range names {
		keys = append(keys, name)
	}
	answer, err := s.eval(ctx, forgetKeysScript, keys, text)
	if err != nil {
		return false, err
	}
	switch other, differs := answer.(string); {
	case differs && other != "":
		return false, fmt.Errorf("%w: event %s is in use again", lockstore.ErrUnavailable, ev.ID)
	case differs:
		return true, nil
	}
	return false, nil
}

// keysOf returns the keys of the event, of any format, in pages. It may return a key
// twice. It returns every key that exists throughout, unless a slot moves to another
// server meanwhile.
func (s *Store) keysOf(ctx context.Context, ev *lockstore.Event) iter.Seq2[[]string, error] {
	return s.scan(ctx, tag(ev)+":*")
}

// scan returns the keys that match the pattern, as keysOf does.
func (s *Store) scan(ctx context.Context, pattern string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		masters, err := s.masters(ctx)
		if err != nil {
			yield(nil, unavailable(err))
			return
		}
		for _, master := range masters {
			for cursor := uint64(0); ; {
				bounded, cancel := context.WithTimeout(ctx, callTime)
				keys, next, err := master.Scan(bounded, cursor, pattern, scanKeys).Result()
				cancel()
				if err != nil {
					yield(nil, unavailable(err))
					return
				}
				if len(keys) > 0 && !yield(keys, nil) {
					return
				}
				if cursor = next; cursor == 0 {
					break
				}
			}
		}
	}
}

// masters returns a client of each server that has keys.
func (s *Store) masters(ctx context.Context) (all []redis.Cmdable, err error) {
	cluster, ok := s.redis.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{s.redis}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var mu sync.Mutex
	err = cluster.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, master)
		return nil
	})
	return all, err
}
