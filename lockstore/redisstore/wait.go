package redisstore

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

const (
	// blockTime is how long a blocking read waits for a change. Then the newest
	// entry is read anyway: after a failover or a flush there may be another log,
	// whose entries precede those of the old one.
	blockTime = 5 * time.Second

	// pollTime is how often the newest entry is read while other events have all
	// the connections that may block.
	pollTime = 250 * time.Millisecond
)

// Wait implements [lockstore.LockStore]. All waiters of an event share one
// blocking read. If Redis becomes unreachable, Wait fails with
// [lockstore.ErrUnavailable].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	from, ok := parseEntryID(since)
	if !ok {
		return s.Open(ctx, ev)
	}
	w := s.logs.Join(logKey(ev), from)
	defer w.Leave()
	for {
		last, err := s.newest(ctx, ev)
		if err != nil || last != since {
			return err
		}
		if entry, err := w.Next(ctx); err != nil || entry.after(from) {
			return err
		}
	}
}

// newest returns the event's Version.
func (s *Store) newest(ctx context.Context, ev *lockstore.Event) (lockstore.Version, error) {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var last *redis.XMessageSliceCmd
	_, err := s.query(bounded, ev, func(pipe redis.Pipeliner) {
		last = pipe.XRevRangeN(bounded, logKey(ev), "+", "-", 1)
	})
	if err == nil {
		var v lockstore.Version
		if v, err = newest(last); err == nil {
			return v, nil
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return "", err
}

// readLog publishes the newest entry of one log for as long as it has waiters.
func (s *Store) readLog(waited iter.Seq[map[string]entryID]) error {
	var last entryID
	for logs := range waited {
		for log := range logs { // there is one
			var err error
			if last, err = s.nextEntry(log, last); err != nil {
				return unavailable(err)
			}
			s.logs.Publish(log, last)
		}
	}
	return nil
}

// nextEntry waits up to blockTime for an entry after last, the newest that was
// read before, and then returns the newest. If none was read before, it returns the
// newest at once. If the log is empty, it returns none after pollTime.
func (s *Store) nextEntry(log string, last entryID) (entryID, error) {
	ctx, cancel := context.WithTimeout(context.Background(), blockTime+callTime)
	defer cancel()
	if last != (entryID{}) {
		select {
		case s.blocking <- struct{}{}:
			streams, err := s.redis.XRead(ctx, &redis.XReadArgs{
				Streams: []string{log, last.stream()}, Count: deltaPage, Block: blockTime,
			}).Result()
			<-s.blocking
			if err == nil {
				messages := streams[0].Messages
				return entryOf(messages[len(messages)-1]), nil
			}
			if !errors.Is(err, redis.Nil) {
				return last, err
			}
		default: // the other connections are for everything else
			time.Sleep(pollTime)
		}
	}
	newest, err := s.redis.XRevRangeN(ctx, log, "+", "-", 1).Result()
	switch {
	case err != nil:
		return entryID{}, err
	case len(newest) == 0:
		time.Sleep(pollTime)
		return entryID{}, nil
	}
	return entryOf(newest[0]), nil
}
