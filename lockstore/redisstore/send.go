package redisstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// A batch is the calls of one trip that share a script run: the same operation
// in the same event.
type batch struct {
	op    *script
	ev    *lockstore.Event
	calls []*call
}

// batches sorts calls, which keep their order.
func batches(calls []*call) []*batch {
	var all []*batch
	for _, c := range calls {
		i := slices.IndexFunc(all, func(b *batch) bool { return b.op == c.op && b.ev == c.ev })
		if i < 0 {
			i = len(all)
			all = append(all, &batch{op: c.op, ev: c.ev})
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
		seats += len(c.seats)
	}
	n := len(b.calls)
	args := slices.Grow(b.op.command(whole), 1+seats+5+6+seats+2*n)
	args = append(args, seats+5, mapKey(b.ev))
	prefix := seatKey(b.ev, "")
	for _, c := range b.calls {
		for _, seat := range c.seats {
			args = append(args, prefix+string(seat))
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
		args = append(args, string(c.user))
	}
	if seats > n {
		for _, c := range b.calls {
			args = append(args, len(c.seats))
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
	values, ok := r.value.([]any)
	if r.err == nil && r.value == otherSeats {
		r.err = lockstore.ErrOtherSeats
	} else if r.err == nil && (!ok || len(values) != len(b.calls)) {
		r.err = fmt.Errorf("%w: Redis answered %v to %d calls", lockstore.ErrOutcomeUnknown, r.value, len(b.calls))
	}
	for i, c := range b.calls {
		if r.err != nil {
			c.done <- answer{err: r.err}
			continue
		}
		a := c.read(values[i])
		if a.err == nil {
			a.err = r.short
		}
		c.done <- a
	}
}

// otherSeats is what a script answers for an event with another seat map.
const otherSeats = "other_seats"

// read turns the script's answer to a call into the call's.
func (c *call) read(v any) answer {
	switch v := v.(type) {
	case int64:
		return answer{value: v}
	case []any:
		return answer{err: c.refusal(v)}
	}
	return answer{err: fmt.Errorf("%w: Redis answered %v", lockstore.ErrOutcomeUnknown, v)}
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
		if ok = isNumber && isTime && number >= 0 && number < int64(len(c.seats)); ok {
			// The script looked at the clock: what has an end is not yet over.
			e.Seats = append(e.Seats, seatAt(c.seats[number], until, 0))
		}
	}
	if !ok {
		return fmt.Errorf("%w: Redis answered %v", lockstore.ErrOutcomeUnknown, v)
	}
	return e
}
