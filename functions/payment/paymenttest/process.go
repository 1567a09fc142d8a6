package paymenttest

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A Fault is what happens to one call that a process makes.
type Fault struct {
	Step int    // the number of the call among those of the process, from 0
	Call string // if set, Step counts only the calls of that name
	Kind Kind   // what happens to it
}

// A Kind is a kind of fault.
type Kind string

// The kinds of faults.
const (
	Killed      Kind = "killed before"     // the process ends before the call
	KilledAfter Kind = "killed after"      // the process ends after the call
	Lost        Kind = "answer lost"       // the call takes effect, but its caller gets no answer
	Away        Kind = "refused by a wire" // the call does nothing, and its caller gets no answer
	Paused      Kind = "paused"            // the process stops before the call and continues later
	PausedLong  Kind = "paused for long"   // past every lock and deadline
	Late        Kind = "late"              // the caller gets no answer, and the call takes effect later
	VeryLate    Kind = "very late"         // past every lock and deadline
)

// Kinds returns every kind of fault.
func Kinds() []Kind {
	return []Kind{Killed, KilledAfter, Lost, Away, Paused, PausedLong, Late, VeryLate}
}

// pauseTimes end within the booking window, around its end, and after it.
var pauseTimes = []time.Duration{4 * time.Second, 12 * time.Second, 29 * time.Second, 33 * time.Second, 40 * time.Second}

const longPauseTime = 25 * time.Minute

// Long reports whether calls of the kind outlast every lock and deadline.
func (k Kind) Long() bool { return k == PausedLong || k == VeryLate }

// errKilled is the error of every call of a process that was killed.
var errKilled = errors.New("paymenttest: the process was killed")

// errNoAnswer is the error of an unanswered call to the provider.
var errNoAnswer = errors.New("paymenttest: the provider has not answered")

// A Process is a process that works on orders. All its calls to the stores and the
// provider go through it, so that each can be made to fail.
type Process struct {
	*payment.Payments
	world  *World
	ctx    context.Context
	cancel context.CancelFunc
	faults []Fault

	mu     sync.Mutex
	trace  []string
	made   map[string]int // calls, by name
	killed bool
	frozen bool // it was paused, so its deadlines do not count
	fired  int  // how many of its faults have happened
}

var (
	_ lockstore.LockStore  = (*Process)(nil)
	_ lockstore.OrderStore = (*Process)(nil)
	_ payment.Provider     = (*Process)(nil)
)

// begin records a call, and returns the fault that happens to it, if any.
func (p *Process) begin(step string) (Kind, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return Killed, true
	}
	n, same := len(p.trace), p.made[step]
	p.trace = append(p.trace, step)
	if p.made == nil {
		p.made = make(map[string]int)
	}
	p.made[step]++
	at := slices.IndexFunc(p.faults, func(f Fault) bool { return f.Call == "" && f.Step == n || f.Call == step && f.Step == same })
	if at < 0 {
		return "", false
	}
	p.fired++
	return p.faults[at].Kind, true
}

// Trace returns the calls that the process has made, by name.
func (p *Process) Trace() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.trace)
}

// Ended returns a channel that is closed when the process has been killed or stopped.
func (p *Process) Ended() <-chan struct{} { return p.ctx.Done() }

// Fired returns how many of the process's faults have happened. It may have made fewer
// calls than there are faults.
func (p *Process) Fired() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired
}

// kill ends the process.
func (p *Process) kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	p.cancel()
}

// pause returns the length of a pause of that kind.
func (w *World) pause(k Kind) time.Duration {
	if k.Long() {
		return w.Paced(longPauseTime)
	}
	return w.Paced(pauseTimes[rand.IntN(len(pauseTimes))])
}

// latency is the longest time that a call takes one way.
const latency = 30 * time.Millisecond

// call makes a call of the process.
func call[T any](p *Process, ctx context.Context, step string, noAnswer error, f func(context.Context) (T, error)) (T, error) {
	var none T
	kind, faulty := p.begin(step)
	if faulty {
		switch kind {
		case Killed:
			p.kill()
			return none, errKilled
		case Away:
			time.Sleep(p.world.Paced(latency))
			return none, noAnswer
		case Late, VeryLate:
			p.world.flying.Go(func() {
				time.Sleep(p.world.pause(kind))
				f(context.WithoutCancel(ctx)) // nobody waits for it
			})
			return none, noAnswer
		case Paused, PausedLong:
			p.mu.Lock()
			p.frozen = true
			p.mu.Unlock()
			p.world.paused.Add(1)
			time.Sleep(p.world.pause(kind))
			p.world.paused.Add(-1)
		}
	}
	p.mu.Lock()
	frozen := p.frozen
	p.mu.Unlock()
	if frozen {
		ctx = context.WithoutCancel(ctx)
	}
	time.Sleep(rand.N(p.world.Paced(latency)))
	if before := p.world.Before; before != nil {
		before(step)
	}
	got, err := f(ctx)
	time.Sleep(rand.N(p.world.Paced(latency)))
	switch {
	case faulty && kind == KilledAfter:
		p.kill()
		return none, errKilled
	case faulty && kind == Lost:
		return none, noAnswer
	}
	return got, err
}

func (p *Process) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	return call(p, ctx, op.Kind.String(), lockstore.ErrOutcomeUnknown, func(ctx context.Context) (lockstore.Result, error) {
		return p.world.Seats.Do(ctx, ev, p.world.bend(op))
	})
}

func (p *Process) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	return p.world.Seats.List(ctx, ev, since)
}

func (p *Process) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return p.world.Seats.Wait(ctx, ev, since)
}

func (p *Process) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	_, err := call(p, ctx, "roster", lockstore.ErrUnavailable, func(context.Context) (struct{}, error) { return struct{}{}, nil })
	if err != nil {
		return "", func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, err) }
	}
	return p.world.Seats.Roster(context.WithoutCancel(ctx), ev, f)
}

func (p *Process) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	return p.world.Seats.Journal(ctx, ev, after, limit)
}

// Put is a step that is named after the stage that it writes.
func (p *Process) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	var body struct {
		Stage payment.Stage `json:"stage"`
	}
	name := "write pointer"
	if json.Unmarshal(o.Body, &body) == nil && body.Stage != "" {
		name = "write " + string(body.Stage)
	}
	return call(p, ctx, name, lockstore.ErrOutcomeUnknown, func(ctx context.Context) (int64, error) { return p.world.put(ctx, o) })
}

func (p *Process) Order(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	return call(p, ctx, "read", lockstore.ErrUnavailable, func(ctx context.Context) (lockstore.Order, error) { return p.world.Orders.Order(ctx, id) })
}

// Due is not a step, since it is called every second.
func (p *Process) Due(ctx context.Context, limit int, lease time.Duration) ([]lockstore.Order, error) {
	return p.world.Orders.Due(ctx, limit, lease)
}

func (p *Process) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]lockstore.Order, error) {
	return p.world.Orders.Orders(ctx, event, after)
}

func (p *Process) Name() string { return p.world.Bank.Name() }

func (p *Process) Open(ctx context.Context, r payment.Request) (payment.Session, error) {
	return call(p, ctx, "open", errNoAnswer, func(ctx context.Context) (payment.Session, error) { return p.world.open(ctx, r) })
}

func (p *Process) Fetch(ctx context.Context, session string) (payment.Payment, error) {
	return call(p, ctx, "fetch", errNoAnswer, func(ctx context.Context) (payment.Payment, error) { return p.world.Bank.Fetch(ctx, session) })
}

func (p *Process) Expire(ctx context.Context, session string) error {
	return p.act(ctx, "expire", func(ctx context.Context) error { return p.world.expire(ctx, session) })
}

func (p *Process) Capture(ctx context.Context, id, key string) error {
	return p.act(ctx, "capture", func(ctx context.Context) error { return p.world.Bank.Capture(ctx, id, key) })
}

func (p *Process) Void(ctx context.Context, id string) error {
	return p.act(ctx, "void", func(ctx context.Context) error { return p.world.void(ctx, id) })
}

func (p *Process) act(ctx context.Context, step string, f func(context.Context) error) error {
	_, err := call(p, ctx, step, errNoAnswer, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

func (p *Process) Refund(ctx context.Context, id string, amount int64, key string) (payment.Refund, error) {
	return call(p, ctx, "refund", errNoAnswer, func(ctx context.Context) (payment.Refund, error) {
		return p.world.refund(ctx, id, amount, key)
	})
}

func (p *Process) Refunds(ctx context.Context, id string) ([]payment.Refund, error) {
	return call(p, ctx, "refunds", errNoAnswer, func(ctx context.Context) ([]payment.Refund, error) { return p.world.Bank.Refunds(ctx, id) })
}

func (p *Process) Recent(ctx context.Context, since time.Time) iter.Seq2[payment.Payment, error] {
	if !p.world.Compares {
		return func(func(payment.Payment, error) bool) {}
	}
	return p.world.Bank.Recent(ctx, since)
}

func (p *Process) Verify(body []byte, header http.Header, now time.Time) (lockstore.OrderID, error) {
	return p.world.Bank.Verify(body, header, now)
}
