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

// late carries out a delayed operation that a worker began for the order at that
// revision.
func (s *shop) late(o *payment.Order, op lockstore.Op) error {
	op.User, op.Ref, op.NotAfter = o.User, lockstore.Ref(o.Order), o.BookBefore
	_, err := s.store.Do(s.ctx, s.event, op)
	return err
}

// TestMoveWaitsForBookings checks that seats cannot be moved while a booking may still
// take effect.
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

// holding is a store that records moves, so that a test can carry them out again later.
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

// TestLateMoveChangesNothing checks that a late move has no effect, wherever the seats
// are by then.
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
		for _, op := range moves[:1] { // a call of a worker that was paused
			if _, err := s.store.Do(s.ctx, s.event, op); !errors.Is(err, lockstore.ErrTooLate) {
				s.Errorf("the first move again: %v, want ErrTooLate", err)
			}
		}
		s.is(o.Order, payment.StagePaid, 0, "A1", "A2")
	})
}

// silent is a store that does not answer moves, whether it carries them out or not.
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

// TestUnknownMoveEnds checks that a move with an unknown outcome ends with its window,
// and that the order then has the seats that are booked for it.
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

// TestRefusedMoveThatIsNotWritten checks that the answer is "outcome unknown" if the
// end of a move cannot be written, since a worker may still move the seats, even if
// they were taken.
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
