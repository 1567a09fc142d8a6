package payment_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
)

// distant is a provider with slow calls, at which nobody pays.
type distant struct {
	*paymenttest.Bank
	takes time.Duration

	mu     sync.Mutex
	states map[string]payment.State // by session
}

func (p *distant) Open(_ context.Context, r payment.Request) (payment.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states[string(r.Order)] = payment.Open
	return payment.Session{ID: string(r.Order), URL: "https://bank.example/"}, nil
}

func (p *distant) Fetch(_ context.Context, session string) (payment.Payment, error) {
	time.Sleep(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	return payment.Payment{Session: session, State: p.states[session]}, nil
}

func (p *distant) Expire(_ context.Context, session string) error {
	time.Sleep(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states[session] = payment.Void
	return nil
}

// TestManyOrdersAreSettledWithinAMinute checks [payment.DefaultWorkers], with a tenth
// of the orders and a tenth of the workers.
func TestManyOrdersAreSettledWithinAMinute(t *testing.T) {
	const many = 5000 / 10
	var seats []lockstore.SeatID
	for n := range many {
		seats = append(seats, lockstore.SeatID(fmt.Sprint("S", n)))
	}
	inIdleHall(t, seats, func(s *shop) {
		p := &distant{Bank: s.bank, states: make(map[string]payment.State)}
		s.Payments = s.with(func(c *payment.Config) {
			c.Provider, c.Within, c.Workers = p, 20*time.Second, payment.DefaultWorkers/10
		})
		for n, seat := range seats {
			s.begin(lockstore.UserID(fmt.Sprint("user", n)), seat)
		}
		p.takes = 200 * time.Millisecond
		s.work(func(s *shop) {
			due := time.Now().Add(20 * time.Second)
			for closed := 0; closed < many; {
				time.Sleep(time.Second)
				c, err := s.Count(s.ctx, []lockstore.EventID{s.event.ID})
				if err != nil || time.Since(due) > 10*time.Minute {
					t.Fatalf("%v after they were due there are %v, %v", time.Since(due), c.Orders, err)
				}
				closed = c.Orders[payment.StageClosed]
			}
			took := time.Since(due)
			t.Logf("%d orders are settled %v after they were due", many, took)
			if took > time.Minute {
				t.Errorf("the last order was settled %v after it was due, want a minute at most", took)
			}
		})
	})
}

// A buyer who asks for an order again and again does not make the provider be asked as
// often: that might refuse to answer for other buyers, too.
func TestManyLooksShareAFetch(t *testing.T) {
	for _, c := range []struct {
		browsers int
		takes    time.Duration
	}{{1, 5 * time.Millisecond}, {20, 5 * time.Millisecond}, {20, 200 * time.Millisecond}} {
		t.Run(fmt.Sprint(c.browsers, " browsers, ", c.takes), func(t *testing.T) {
			inIdleHall(t, seats("A1"), func(s *shop) {
				p := &counted{distant: &distant{Bank: s.bank, takes: c.takes, states: make(map[string]payment.State)}}
				s.Payments = s.with(func(c *payment.Config) { c.Provider = p })
				o := s.begin("ann", "A1")
				p.fetches.Store(0)
				var browsers sync.WaitGroup
				end := time.Now().Add(10 * time.Second)
				for range c.browsers {
					browsers.Go(func() {
						for time.Now().Before(end) {
							if got, err := s.Look(s.ctx, o); err != nil || got.Stage != payment.StageOpen {
								t.Errorf("the order is %+v, %v", got, err)
							}
							if _, err := s.checkout("ann", "A1"); err != nil {
								t.Error(err)
							}
							time.Sleep(10 * time.Millisecond)
						}
					})
				}
				browsers.Wait()
				if n := p.fetches.Load(); n < 5 || n > 11 {
					t.Errorf("within 10 s the provider was asked %d times, want about once in a second", n)
				}
			})
		})
	}
}

// counted is a distant provider that counts how often it is asked.
type counted struct {
	*distant
	fetches atomic.Int64
}

func (p *counted) Fetch(ctx context.Context, session string) (payment.Payment, error) {
	p.fetches.Add(1)
	return p.distant.Fetch(ctx, session)
}
