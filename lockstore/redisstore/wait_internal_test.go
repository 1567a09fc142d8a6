package redisstore

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// TestWaitWhenTheLogStartsLower checks that a Wait neither ends nor polls Redis
// continuously when the log has restarted with entries that precede those of
// the old one, as after a flush with a clock that was set back.
func TestWaitWhenTheLogStartsLower(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		var trips counter
		s.redis.AddHook(&trips)
		ev := eventOf(t, 2, 0)
		old, err := s.newest(t.Context(), ev)
		if err != nil {
			t.Fatal(err)
		}
		wait := func(since lockstore.Version) <-chan error {
			ended := make(chan error, 1)
			go func() { ended <- s.Wait(t.Context(), ev, since) }()
			synctest.Wait()
			return ended
		}
		ofOldLog := wait(old)
		m.Del(logKey(ev))
		if _, err := m.XAdd(logKey(ev), "1-0", []string{"nonce", ""}); err != nil {
			t.Fatal(err)
		}
		ofNewLog := wait("1-0-nonce")
		if err := <-ofOldLog; err != nil {
			t.Errorf("Wait for a Version of the old log: %v", err)
		}
		const turns = 100
		before := trips.Load()
		time.Sleep(turns * blockTime)
		if n := trips.Load() - before; n > 3*turns {
			t.Errorf("a Wait asked Redis %d times in %v, want at most three times in %v", n, turns*blockTime, blockTime)
		}
		select {
		case err := <-ofNewLog:
			t.Errorf("Wait for the newest Version ended without a change: %v", err)
		default:
		}
		if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", "A1")); err != nil {
			t.Fatal(err)
		}
		if err := <-ofNewLog; err != nil {
			t.Errorf("Wait that a change ended: %v", err)
		}
	})
}

// A counter counts trips to Redis.
type counter struct{ atomic.Int64 }

func (*counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.Add(1); return next(ctx, cmd) }
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.Add(1); return next(ctx, cmds) }
}
