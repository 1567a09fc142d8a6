package redisstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// A batch is the calls of one trip that share a script run: the same operation
// in the same event.
type batch struct {
	kind  lockstore.Kind
	ev    *lockstore.Event
	calls []*call
}

// batches sorts calls, which keep their order.
func batches(calls []*call) []*batch {
	var all []*batch
	for _, c := range calls {
		i := slices.IndexFunc(all, func(b *batch) bool { return b.kind == c.op.Kind && b.ev == c.ev })
		if i < 0 {
			i = len(all)
			all = append(all, &batch{kind: c.op.Kind, ev: c.ev})
		}
		all[i].calls = append(all[i].calls, c)
	}
	return all
}

// send answers the calls in one trip.
func (s *Store) send(calls []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), flightTime)
	defer cancel()
	all := batches(calls)
	answers := s.run(ctx, all, s.redis, 0)
	for i, b := range all {
		b.answer(answers[i])
	}
}

// ran is what a script run came to.
type ran struct {
	value any
	err   error
	short error // what is wrong with a success
}

// run has all batches run in one pipeline, and waits there for replicas. Redis
// may have to be sent a script whole that it does not have, or has no more:
// those in a second.
func (s *Store) run(ctx context.Context, all []*batch, node redis.Cmdable, replicas int) []ran {
	answers := make([]ran, len(all))
	todo := make([]int, len(all))
	for i := range todo {
		todo[i] = i
	}
	for _, whole := range []bool{false, true} {
		pipe := node.Pipeline()
		cmds, nonces := make([]*redis.Cmd, len(todo)), make([]*nonce, len(todo))
		for i, b := range todo {
			nonces[i] = newNonce()
			cmds[i] = redis.NewCmd(ctx, all[b].args(whole, replicas > 0, nonces[i])...)
			_ = pipe.Process(ctx, cmds[i]) // a pipeline only takes it down
		}
		wait := redis.NewIntCmd(ctx, "wait", replicas, replicaTime.Milliseconds())
		if replicas > 0 {
			_ = pipe.Process(ctx, wait)
		}
		exec(ctx, pipe)
		var unknown []int
		for i, b := range todo {
			value, err := cmds[i].Result()
			if redis.HasErrorPrefix(err, "NOSCRIPT") {
				unknown = append(unknown, b)
			}
			answers[b] = ran{value, changeError(err, nonces[i].sent), nil}
			if replicas > 0 {
				answers[b].short = shortfall(wait, replicas)
			}
		}
		if todo = unknown; len(todo) == 0 {
			break
		}
	}
	return answers
}

// args renders the batch as batch.lua wants it.
func (b *batch) args(whole, touch bool, id *nonce) []any {
	seats := 0
	for _, c := range b.calls {
		seats += len(c.at)
	}
	n := len(b.calls)
	args := slices.Grow(scripts[b.kind].command(whole), 1+seats+5+6+seats+2*n)
	args = append(args, seats+5, mapKey(b.ev))
	prefix := seatKey(b.ev, "")
	for _, c := range b.calls {
		for _, p := range c.at {
			args = append(args, prefix+string(b.ev.Seats[p]))
		}
	}
	args = append(args, viewKey(b.ev), logKey(b.ev), usersKey(b.ev), forgetKey(b.ev))

	args = append(args, b.ev.Fingerprint(), id, b.ev.LockTTL.Milliseconds(), b.ev.SeatLimit, touch, n)
	for _, c := range b.calls {
		for _, p := range c.at {
			args = append(args, p*recordLen)
		}
	}
	for _, c := range b.calls {
		args = append(args, string(c.op.User))
	}
	if seats > n {
		for _, c := range b.calls {
			args = append(args, len(c.at))
		}
	}
	return args
}

// A nonce is a text that no other log entry has: it tells an entry from one
// that a lost master, or a lost life of the event, had at the same time. Like
// every argument it is rendered when its command goes to a connection, and
// remembers that: what fails before was never asked for.
type nonce struct {
	text string
	sent bool
}

func newNonce() *nonce { return &nonce{text: strconv.FormatUint(rand.Uint64(), 36)} }

// MarshalBinary implements [encoding.BinaryMarshaler].
func (n *nonce) MarshalBinary() ([]byte, error) {
	n.sent = true
	return []byte(n.text), nil
}

// answer gives each call its part of what the script run came to.
func (b *batch) answer(r ran) {
	values, err := r.read(len(b.calls))
	for i, c := range b.calls {
		a := answer{err: err}
		if err == nil {
			a = c.read(values[i], values[len(b.calls)])
		}
		if a.err == nil && r.short != nil {
			a = answer{err: r.short}
		}
		c.done <- a
	}
}

// otherSeats is what a script answers for an event with another seat map.
const otherSeats = "other_seats"

// read returns the script's answers to the calls, and then the clock.
func (r ran) read(calls int) ([]any, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.value == otherSeats {
		return nil, lockstore.ErrOtherSeats
	}
	values, ok := r.value.([]any)
	if !ok || len(values) != calls+1 {
		return nil, malformed(r.value)
	}
	return values, nil
}

// malformed is the error of an answer that no script of this version gives.
func malformed(v any) error {
	return fmt.Errorf("%w: Redis answered %v", lockstore.ErrOutcomeUnknown, v)
}

// read turns the script's answer to a call into the call's.
func (c *call) read(v, clock any) answer {
	now, ok := clock.(int64)
	if !ok {
		return answer{err: malformed(clock)}
	}
	var number int64
	changed := c.op.Seats
	switch v := v.(type) {
	case int64:
		number = v
	case []any:
		if number, ok = v[0].(int64); !ok {
			return answer{err: c.refusal(v)}
		}
		if changed, ok = c.seats(v[1:]); !ok {
			return answer{err: malformed(v)}
		}
	default:
		return answer{err: malformed(v)}
	}
	result := lockstore.Result{Changed: changed, Now: time.UnixMilli(now)}
	if c.op.Kind == lockstore.KindLock {
		result.Expires = time.UnixMilli(number)
	}
	return answer{result: result}
}

// seats returns the seats of the call at the places.
func (c *call) seats(places []any) (seats []lockstore.SeatID, ok bool) {
	for _, v := range places {
		text, _ := v.(string)
		place, err := strconv.Atoi(text)
		if err != nil || !slices.Contains(c.at, place/recordLen) {
			return nil, false
		}
		seats = append(seats, c.ev.Seats[place/recordLen])
	}
	return seats, true
}

// refusal reads {reason, held, number of a seat, until when it is taken, …}.
func (c *call) refusal(v []any) error {
	reason, _ := v[0].(string)
	if reason == "error" {
		return fmt.Errorf("%w: %v", lockstore.ErrOutcomeUnknown, v[1:])
	}
	held, ok := v[1].(int64)
	e := &lockstore.ConflictError{Reason: lockstore.Reason(reason), Held: int(held)}
	for i := 2; ok && i+1 < len(v); i += 2 {
		number, isNumber := v[i].(int64)
		until, isTime := v[i+1].(int64)
		if ok = isNumber && isTime && number >= 0 && number < int64(len(c.at)); ok {
			// The script looked at the clock: what has an end is not yet over.
			e.Seats = append(e.Seats, c.ev.Seat(listed(c.at[number], until, 0)))
		}
	}
	if !ok {
		return malformed(v)
	}
	return e
}
