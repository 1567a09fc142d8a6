package payment_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// late carries out an operation that a worker began for the order when it was at that
// revision, and that was held up.
func (s *shop) late(o *payment.Order, op lockstore.Op) error {
	op.User, op.Ref, op.NotAfter = o.User, lockstore.Ref(o.Order), o.BookBefore
	_, err := s.store.Do(s.ctx, s.event, op)
	return err
}

// While a booking may still take effect, seats cannot be moved away under it.
func TestMoveWaitsForBookings(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2")
		a1, a5 := []lockstore.SeatID{"A1"}, []lockstore.SeatID{"A5"}
		if _, err := s.Move(s.ctx, o.Order, a1, a5, "operator"); !errors.Is(err, payment.ErrBusy) {
			s.Errorf("a move right after the booking: %v, want ErrBusy", err)
		}
		time.Sleep(time.Until(o.BookBefore) + 5*time.Second)
		if _, err := s.Move(s.ctx, o.Order, a1, a5, "operator"); err != nil {
			s.Errorf("a move after the booking's time: %v", err)
		}
		if err := s.late(o, lockstore.Book("", "", o.Seats...)); !errors.Is(err, lockstore.ErrTooLate) {
			s.Errorf("a booking after a move: %v, want ErrTooLate", err)
		}
		time.Sleep(time.Hour)
		s.is(o.Order, payment.StagePaid, 0, "A2", "A5")
		s.mustRefund(o, payment.Refunding{})
		s.is(o.Order, payment.StageRefunded, 200)
	})
}

// holding is a store in which moves are held up: each is carried out, and again after
// the others.
type holding struct {
	*memstore.Store
	moves *[]lockstore.Op
}

func (h holding) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if op.Kind == lockstore.KindMove {
		*h.moves = append(*h.moves, op)
	}
	return h.Store.Do(ctx, ev, op)
}

// A move that comes late changes nothing, wherever the seats are by then.
func TestLateMoveChangesNothing(t *testing.T) {
	inShop(t, false, func(s *shop) {
		var moves []lockstore.Op
		s.Payments = s.with(func(c *payment.Config) { c.Seats = holding{s.store, &moves} })
		o := s.paid("ann", "A1", "A2")
		time.Sleep(time.Minute)
		a1, a5 := []lockstore.SeatID{"A1"}, []lockstore.SeatID{"A5"}
		if _, err := s.Move(s.ctx, o.Order, a1, a5, "operator"); err != nil {
			s.Fatal(err)
		}
		_, err := s.Move(s.ctx, o.Order, a5, a1, "operator")
		for ; errors.Is(err, payment.ErrBusy); _, err = s.Move(s.ctx, o.Order, a5, a1, "operator") {
			time.Sleep(time.Second)
		}
		if err != nil {
			s.Fatal(err)
		}
		for _, op := range moves[:1] { // the call of a worker that stood still meanwhile
			if _, err := s.store.Do(s.ctx, s.event, op); !errors.Is(err, lockstore.ErrTooLate) {
				s.Errorf("the first move again: %v, want ErrTooLate", err)
			}
		}
		s.is(o.Order, payment.StagePaid, 0, "A1", "A2")
	})
}

// silent is a store that does not answer moves, whether they are carried out or not.
type silent struct {
	*memstore.Store
	carryOut *bool
}

func (h silent) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if op.Kind != lockstore.KindMove {
		return h.Store.Do(ctx, ev, op)
	}
	if *h.carryOut {
		h.Store.Do(ctx, ev, op)
	}
	return lockstore.Result{}, lockstore.ErrOutcomeUnknown
}

// A move whose outcome is not known is over after its time, and the order has the seats
// that are booked for it.
func TestUnknownMoveEnds(t *testing.T) {
	for _, carriedOut := range []bool{false, true} {
		inShop(t, false, func(s *shop) {
			s.Payments = s.with(func(c *payment.Config) { c.Seats = silent{s.store, &carriedOut} })
			s.work(func(s *shop) {
				o := s.paid("ann", "A1", "A2")
				time.Sleep(time.Minute)
				if _, err := s.Move(s.ctx, o.Order, []lockstore.SeatID{"A1"}, []lockstore.SeatID{"A5"}, "operator"); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
					s.Errorf("a move without an answer: %v, want ErrOutcomeUnknown", err)
				}
				time.Sleep(time.Minute)
				seats := []lockstore.SeatID{"A1", "A2"}
				if carriedOut {
					seats = []lockstore.SeatID{"A2", "A5"}
				}
				if o = s.is(o.Order, payment.StagePaid, 0, seats...); o.Moving != nil {
					s.Error("the move is not over")
				}
				s.mustRefund(o, payment.Refunding{Seats: seats[1:]})
				s.is(o.Order, payment.StagePaid, 100, seats[:1]...)
			})
		})
	}
}

// forgetful is a store of orders that does not answer the write that ends a move.
type forgetful struct {
	*memstore.Store
	writes *int
}

func (f forgetful) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	if *f.writes--; *f.writes == 0 {
		return 0, lockstore.ErrUnavailable
	}
	return f.Store.Put(ctx, o)
}

// If the end of a move cannot be written, a worker may yet move the seats, and the
// answer says so, also if the seats were in the way.
func TestRefusedMoveThatIsNotWritten(t *testing.T) {
	inShop(t, false, func(s *shop) {
		writes := 0
		s.Payments = s.with(func(c *payment.Config) { c.Orders = forgetful{s.store, &writes} })
		o := s.paid("ann", "A1")
		time.Sleep(time.Minute)
		s.do(lockstore.Lock("bob", "A6"))
		writes = 2
		if _, err := s.Move(s.ctx, o.Order, o.Seats, []lockstore.SeatID{"A6"}, "operator"); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			s.Errorf("the move: %v, want ErrOutcomeUnknown", err)
		}
		time.Sleep(10 * time.Minute) // bob's lock ends
		s.Reconcile(s.ctx, o.Order)
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}
