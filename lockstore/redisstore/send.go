package redisstore

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// A group is the calls of one trip that share a script run: operations of one
// kind in one event and, if they are locks, with the same lock time.
type group struct {
	kind  lockstore.Kind
	ev    *lockstore.Event
	lasts time.Duration // Op.For
	calls []*call
}

// groups sorts calls into groups. Within a group, they keep their order.
func groups(calls []*call) []*group {
	var all []*group
	for _, c := range calls {
		kind, ev, lasts := c.Work.op.Kind, c.Work.ev, c.Work.op.For
		i := slices.IndexFunc(all, func(g *group) bool { return g.kind == kind && g.ev == ev && g.lasts == lasts })
		if i < 0 {
			i = len(all)
			all = append(all, &group{kind: kind, ev: ev, lasts: lasts})
		}
		all[i].calls = append(all[i].calls, c)
	}
	return all
}

// send answers the calls in one trip.
func (s *Store) send(calls []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), tripTime)
	defer cancel()
	all := groups(calls)
	for i, r := range s.run(ctx, len(all), argsOf(all), s.redis, 0) {
		all[i].answer(r)
	}
}

// scriptArgs renders a script run: its number, whether the script's source is sent, whether
// a call that changes nothing must write nevertheless, and a nonce.
type scriptArgs func(n int, whole, touch bool, id *nonce) []any

func argsOf(all []*group) scriptArgs {
	return func(n int, whole, touch bool, id *nonce) []any { return all[n].args(whole, touch, id) }
}

// ran is the result of a script run.
type ran struct {
	value any
	err   error
	short error // why too few replicas have it, although the run succeeded
}

// run runs n scripts in one pipeline, and waits there for replicas. If Redis does not have
// a script, or no longer has it, run sends the script's source in a second pipeline.
func (s *Store) run(ctx context.Context, n int, args scriptArgs, node redis.Cmdable, replicas int) []ran {
	answers := make([]ran, n)
	todo := make([]int, n)
	for i := range todo {
		todo[i] = i
	}
	for _, whole := range []bool{false, true} {
		pipe := node.Pipeline()
		cmds, nonces := make([]*redis.Cmd, len(todo)), make([]*nonce, len(todo))
		for i, n := range todo {
			nonces[i] = newNonce()
			cmds[i] = redis.NewCmd(ctx, args(n, whole, replicas > 0, nonces[i])...)
			_ = pipe.Process(ctx, once{cmds[i]}) // a pipeline only records the command
		}
		wait := redis.NewIntCmd(ctx, "wait", replicas, replicaTime.Milliseconds())
		if replicas > 0 {
			_ = pipe.Process(ctx, wait)
		}
		exec(ctx, pipe)
		var unknown []int
		for i, n := range todo {
			value, err := cmds[i].Result()
			if redis.HasErrorPrefix(err, "NOSCRIPT") {
				unknown = append(unknown, n)
			}
			answers[n] = ran{value, changeError(err, nonces[i].sent), nil}
			if replicas > 0 {
				answers[n].short = shortfall(wait, replicas)
			}
		}
		if todo = unknown; len(todo) == 0 {
			break
		}
	}
	return answers
}

// A once is a command that the client does not repeat. Without it, a Cluster's
// client runs all commands of a pipeline again if the first one has to wait for a
// slot that moves, including those that were already carried out. The client still
// follows redirects.
type once struct{ *redis.Cmd }

// NoRetry implements [redis.Cmder].
func (once) NoRetry() bool { return true }

// A nonce is a text that no other log entry has: it distinguishes an entry from one
// that a lost master, or an earlier life of the event, had at the same time. Like
// every argument, it is rendered when its command is written to a connection. It records
// that, because a command that fails earlier was never sent.
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
