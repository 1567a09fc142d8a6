package payment_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A play is what the buyer, other users, an operator and the provider do.
type play struct {
	name string
	bank func(*paymenttest.Bank)
	acts func(*stage)
	free bool

	before func(w *paymenttest.World, step string) // called before each call of a process

	// want is the result for the order if nothing fails.
	want payment.Stage
}

// A stage is a world for a play.
type stage struct {
	*testing.T
	*paymenttest.World
	ctx   context.Context
	order *payment.Order // the buyer's; nil if the buyer got none
}

const amount = 8400

var plays = []play{
	{name: "paid by card", acts: func(s *stage) { s.after(30 * time.Second); s.pay(); s.nudge() }, want: payment.StagePaid},
	{name: "paid at once", bank: immediate, acts: func(s *stage) { s.after(30 * time.Second); s.pay(); s.nudge() }, want: payment.StagePaid},
	{name: "paid, and every notice lost", acts: func(s *stage) { s.after(30 * time.Second); s.pay() }, want: payment.StagePaid},
	{name: "paid at the last moment", acts: func(s *stage) { s.after(paymenttest.Within - 2*time.Second); s.pay() }, want: payment.StagePaid},
	{name: "never paid", acts: func(*stage) {}, want: payment.StageClosed},
	{name: "given up", acts: func(s *stage) { s.after(time.Minute); s.giveUp() }, want: payment.StageClosed},
	{name: "lock lost and seat free", acts: func(s *stage) { s.after(time.Minute); s.evict(); s.pay(); s.nudge() }, want: payment.StagePaid},
	{name: "lock lost and seat taken", acts: func(s *stage) { s.after(time.Minute); s.evict(); s.rival(); s.pay(); s.nudge() }, want: payment.StageClosed},
	{name: "lock lost and seat taken, paid at once", bank: immediate,
		acts: func(s *stage) { s.after(time.Minute); s.evict(); s.rival(); s.pay(); s.nudge() }, want: payment.StageRefunded},
	{name: "lock lost and seat taken for a while", acts: func(s *stage) {
		s.after(time.Minute)
		s.evict()
		s.pay()
		s.rival()
		s.nudge()
		s.after(5 * time.Second)
		s.rivalLeaves()
		s.nudge()
	}, want: ""},
	{name: "seats are free again while the order is given back", bank: immediate, acts: func(s *stage) {
		s.after(time.Minute)
		s.pay()
		s.evict()
		s.nudge()
		s.after(25 * time.Millisecond)
		s.rival()
		s.nudge()
		s.after(5 * time.Second)
		s.rivalLeaves()
	}, want: ""},
	{name: "capture refused", bank: func(b *paymenttest.Bank) { b.RefuseCapture = true },
		acts: func(s *stage) { s.after(time.Minute); s.pay(); s.nudge() }, want: payment.StageClosed},
	{name: "capture fails twice", bank: func(b *paymenttest.Bank) { b.FailCaptures = 2 },
		acts: func(s *stage) { s.after(time.Minute); s.pay(); s.nudge() }, want: payment.StagePaid},
	{name: "capture always fails", bank: func(b *paymenttest.Bank) { b.FailCaptures = 1000 },
		acts: func(s *stage) { s.after(time.Minute); s.pay(); s.nudge() }, want: payment.StageClosed},
	{name: "authorisation lapses", acts: func(s *stage) { s.after(time.Minute); s.pay(); s.lapse(); s.nudge() }, want: payment.StageClosed},
	{name: "refund pending, failed, and then done", bank: func(b *paymenttest.Bank) {
		b.Immediate = true
		b.RefundStates = []paymenttest.RefundPlan{{First: payment.RefundPending, Then: payment.RefundFailed, After: 15 * time.Minute}}
	}, acts: func(s *stage) { s.after(time.Minute); s.evict(); s.rival(); s.pay(); s.nudge() }, want: payment.StageRefunded},
	{name: "refund fails, then pending and done", bank: func(b *paymenttest.Bank) {
		b.Immediate, b.FailRefunds = true, 1
		b.RefundStates = []paymenttest.RefundPlan{{First: payment.RefundPending, Then: payment.RefundDone, After: 15 * time.Minute}}
	}, acts: func(s *stage) { s.after(time.Minute); s.evict(); s.rival(); s.pay(); s.nudge() }, want: payment.StageRefunded},
	{name: "every refund fails", bank: func(b *paymenttest.Bank) {
		b.Immediate = true
		b.RefundStates = slices.Repeat([]paymenttest.RefundPlan{{First: payment.RefundFailed}}, 20)
	}, acts: func(s *stage) { s.after(time.Minute); s.evict(); s.rival(); s.pay(); s.nudge() }, want: payment.StageNeedsPerson},
	{name: "the money comes after an hour", bank: func(b *paymenttest.Bank) { b.Decides = time.Hour },
		acts: func(s *stage) { s.after(time.Minute); s.pay(); s.nudge() }, want: payment.StagePaid},
	{name: "the money never comes", bank: func(b *paymenttest.Bank) { b.Decides, b.LosesPending = time.Hour, true },
		acts: func(s *stage) { s.after(time.Minute); s.pay(); s.nudge() }, want: payment.StageClosed},
	{name: "nothing to pay", free: true, acts: func(*stage) {}, want: payment.StagePaid},
	{name: "an operator cancels while it is paid", acts: func(s *stage) { s.after(time.Minute); s.pay(); s.nudge(); s.refund(payment.Refunding{}) }, want: ""},
	{name: "an operator refunds what was paid", acts: func(s *stage) {
		s.after(time.Minute)
		s.pay()
		s.nudge()
		s.after(time.Minute)
		s.refund(payment.Refunding{})
	}, want: payment.StageRefunded},
	{name: "an operator refunds and the buyer keeps the seats", acts: func(s *stage) {
		s.after(time.Minute)
		s.pay()
		s.nudge()
		s.after(time.Minute)
		s.refund(payment.Refunding{Keep: true})
	}, want: payment.StageRefunded},
	{name: "an operator refunds one seat", acts: func(s *stage) {
		s.after(time.Minute)
		s.pay()
		s.nudge()
		s.after(time.Minute)
		s.refund(payment.Refunding{Seats: s.Pair()[:1]})
	}, want: payment.StagePaid},
}

func immediate(b *paymenttest.Bank) { b.Immediate = true }

func (s *stage) after(d time.Duration) { time.Sleep(d) }

// pay pays as the buyer, who may be too late.
func (s *stage) pay() {
	if s.order == nil {
		return
	}
	if err := s.Bank.Pay(s.order.Session); err != nil {
		s.Logf("the buyer cannot pay: %v", err)
	}
}

// nudge delivers a webhook twice.
func (s *stage) nudge() {
	if s.order != nil {
		s.Nudge(s.order.Order)
		s.Nudge(s.order.Order)
	}
}

func (s *stage) lapse() {
	if s.order != nil {
		if err := s.Bank.Lapse(s.order.Session); err != nil {
			s.Error(err)
		}
	}
}

func (s *stage) evict() {
	if _, err := s.Seats.Do(s.ctx, s.Event, lockstore.Evict(paymenttest.Buyer, s.Pair()...)); err != nil {
		s.Error(err)
	}
}

// rival books the first of the seats for another user.
func (s *stage) rival() {
	if _, err := s.Seats.Do(s.ctx, s.Event, lockstore.Book(paymenttest.Rival, "", s.Pair()[0])); err != nil {
		s.Logf("the rival: %v", err)
	}
}

func (s *stage) rivalLeaves() {
	if _, err := s.Seats.Do(s.ctx, s.Event, lockstore.Cancel(paymenttest.Rival, "", s.Pair()[0])); err != nil {
		s.Error(err)
	}
}

// giveUp acts for the buyer, and refund for an operator. Both try again, since that is
// safe.
func (s *stage) giveUp() {
	s.try(func(p *payment.Payments) error {
		_, err := p.Close(s.ctx, s.order.Order, "")
		return err
	})
}

func (s *stage) refund(f payment.Refunding) {
	s.try(func(p *payment.Payments) error {
		f.Order, f.By = s.order.Order, "operator"
		_, err := p.Refund(s.ctx, f)
		return err
	})
}

// move moves one seat of the order to another.
func (s *stage) move(from, to int) {
	s.try(func(p *payment.Payments) error {
		_, err := p.Move(s.ctx, s.order.Order, s.Event.Seats[from:from+1], s.Event.Seats[to:to+1], "operator")
		return err
	})
}

func (s *stage) try(f func(*payment.Payments) error) {
	if s.order == nil {
		return
	}
	var err error
	for n := range 4 {
		if err = f(s.Process(n).Payments); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
	s.Logf("it did not succeed: %v", err)
}

// perform plays a play in a bubble. The first process has the faults, and others have
// none. It returns the calls of the first process, and the stages of the orders.
func (p play) perform(t *testing.T, processes int, faults ...paymenttest.Fault) (trace []string, stages []payment.Stage) {
	each := make([][]paymenttest.Fault, processes)
	each[0] = faults
	trace, stages, _, err := p.performWith(t, each, "")
	if err != nil {
		t.Errorf("%v\nthe calls were %q", err, trace)
	}
	return trace, stages
}

// performWith is perform with faults for each process, and perhaps without a rule. It
// returns how many faults happened, and what was wrong in the end.
func (p play) performWith(t *testing.T, faults [][]paymenttest.Fault, without paymenttest.Rule) (trace []string, stages []payment.Stage, fired int, wrong error) {
	synctest.Test(t, func(t *testing.T) {
		layout, err := lockstore.NewLayout([]lockstore.SeatID{"A1", "A2", "A3"})
		if err != nil {
			t.Fatal(err)
		}
		ev, err := lockstore.NewEvent("concert", layout, time.Minute, 0)
		if err != nil {
			t.Fatal(err)
		}
		store := new(memstore.Store)
		w := &paymenttest.World{Seats: store, Orders: store, Bank: new(paymenttest.Bank), Event: ev, Without: without}
		if os.Getenv("PAYMENT_LOG") != "" {
			w.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		}
		if p.bank != nil {
			p.bank(w.Bank)
		}
		if p.before != nil {
			w.Before = func(step string) { p.before(w, step) }
		}
		s := &stage{T: t, World: w, ctx: t.Context()}
		var all []*paymenttest.Process
		for _, f := range faults {
			all = append(all, w.Start(t.Context(), f...))
		}
		if err := w.Lock(s.ctx, paymenttest.Buyer, w.Pair()...); err != nil {
			t.Fatal(err)
		}
		sum := int64(amount)
		if p.free {
			sum = 0
		}
		s.order = w.Checkout(s.ctx, sum)
		p.acts(s)
		limit := 12 * time.Hour
		if without != "" { // it may never end
			limit = time.Hour
		}
		w.Settle(s.ctx, 5*time.Minute, limit)
		w.Stop()
		orders, err := w.Check(s.ctx)
		wrong = err
		for _, o := range orders {
			stages = append(stages, o.Stage)
		}
		for _, process := range all {
			fired += process.Fired()
		}
		trace = all[0].Trace()
	})
	return trace, stages, fired, wrong
}

func TestOrdersEnd(t *testing.T) {
	for _, p := range plays {
		t.Run(p.name, func(t *testing.T) {
			for processes := 1; processes <= 3; processes++ {
				_, stages := p.perform(t, processes)
				if len(stages) != 1 || p.want != "" && stages[0] != p.want {
					t.Errorf("with %d processes the order is %v, want %s", processes, stages, p.want)
				}
			}
		})
	}
}

// TestAnyStepFails makes every call of a process fail in each way, while others
// continue. Each run takes a share of the kinds, unless PAYMENT_ALL is set.
func TestAnyStepFails(t *testing.T) {
	share := rand.IntN(8)
	var runs, fired atomic.Int64
	t.Cleanup(func() { // with several processes, one makes fewer calls than alone
		if fired.Load()*4 < runs.Load()*3 {
			t.Errorf("of %d faults, only %d happened", runs.Load(), fired.Load())
		}
	})
	for _, p := range plays {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			trace, _ := p.perform(t, 1)
			seen := make(map[string]int)
			for step, name := range trace {
				if seen[name]++; seen[name] > 2 {
					continue
				}
				for n, kind := range paymenttest.Kinds() {
					if (n+step+share)%8 != 0 && os.Getenv("PAYMENT_ALL") == "" {
						continue
					}
					t.Run(fmt.Sprintf("%d %s %s", step, name, kind), func(t *testing.T) {
						faults := make([][]paymenttest.Fault, 2+step%2)
						faults[0] = []paymenttest.Fault{{Step: step, Kind: kind}}
						trace, _, n, err := p.performWith(t, faults, "")
						if err != nil {
							t.Errorf("%v\nthe calls were %q", err, trace)
						}
						runs.Add(1)
						fired.Add(int64(n))
					})
				}
			}
		})
	}
}

// TestManyFailures lets several processes fail at once, while the buyer, a rival and an
// operator act at random.
func TestManyFailures(t *testing.T) {
	runs := 80
	if os.Getenv("PAYMENT_ALL") != "" {
		runs = 5000
	}
	for range runs {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 0))
			p := play{bank: func(b *paymenttest.Bank) {
				b.Immediate = r.IntN(2) == 0
				b.RefuseCapture = r.IntN(8) == 0
				b.FailCaptures = r.IntN(2)
				b.FailRefunds = r.IntN(2)
				if r.IntN(4) == 0 {
					b.RefundStates = []paymenttest.RefundPlan{{First: payment.RefundPending, Then: payment.RefundFailed, After: 15 * time.Minute}}
				}
			}, acts: func(s *stage) { s.improvise(r) }}
			faults := make([][]paymenttest.Fault, 2+r.IntN(2))
			for i := range faults {
				for range r.IntN(4) {
					kinds := paymenttest.Kinds()
					faults[i] = append(faults[i], paymenttest.Fault{Step: r.IntN(20), Kind: kinds[r.IntN(len(kinds))]})
				}
			}
			// The last process has no faults.
			if trace, _, _, err := p.performWith(t, append(faults, nil), ""); err != nil {
				t.Errorf("%v\nthe calls of the first process were %q", err, trace)
			}
		})
	}
}

// improvise acts at random moments.
func (s *stage) improvise(r *rand.Rand) {
	acts := []func(){
		s.pay, s.pay, s.pay, s.nudge, s.nudge, s.evict, s.rival, s.rivalLeaves, s.rivalLeaves,
		func() { s.after(time.Duration(r.IntN(60)) * time.Second) },
		func() { s.after(time.Duration(r.IntN(60)) * time.Second) },
		func() { s.after(time.Duration(r.IntN(200)) * time.Millisecond) },
	}
	if r.IntN(4) == 0 {
		acts = append(acts, s.giveUp, s.lapse, func() { s.refund(payment.Refunding{}) })
	}
	if r.IntN(3) == 0 {
		acts = append(acts,
			func() { s.refund(payment.Refunding{Seats: s.Pair()[:1], Keep: r.IntN(2) == 0}) },
			func() { s.refund(payment.Refunding{Amount: 70, Keep: true, Request: fmt.Sprint(r.IntN(2))}) },
			func() { s.move(1, 2) }, func() { s.move(2, 1) },
			func() { s.after(40 * time.Second) }, func() { s.after(40 * time.Second) })
	}
	if r.IntN(2) == 0 {
		s.evict()
	}
	for range 4 + r.IntN(16) {
		acts[r.IntN(len(acts))]()
	}
}
