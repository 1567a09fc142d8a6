package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A Rule is a part of the protocol that keeps money and seats from being lost. A World
// without one must fail [World.Check]: a proof that passed nevertheless would not
// notice if the protocol lacked it.
type Rule string

// The rules that can be removed from a World.
const (
	BookInTime       Rule = "a booking ends with the order's window"
	CancelAfterwards Rule = "a cancel waits for the end of the window"
	CloseSession     Rule = "a session is closed before its order ends"
	ReadVoid         Rule = "the answer to a void is read"
	OpenToClose      Rule = "a session that may be open is opened again, to close it"
	OneSession       Rule = "an order's sessions have one key"
	OneRefundKey     Rule = "an attempt to refund has one key"
	CompareAndSet    Rule = "an order is compared and set"
	MoveInTime       Rule = "a move ends with the order's window"
)

// Rules returns every rule.
func Rules() []Rule {
	return []Rule{BookInTime, CancelAfterwards, CloseSession, ReadVoid, OpenToClose, OneSession, OneRefundKey, CompareAndSet, MoveInTime}
}

// bend returns the operation as it is without the rule that the World lacks.
func (w *World) bend(op lockstore.Op) lockstore.Op {
	switch {
	case w.Without == BookInTime && op.Kind == lockstore.KindBook,
		w.Without == MoveInTime && op.Kind == lockstore.KindMove:
		op.NotAfter = time.Time{}
	case w.Without == CancelAfterwards && op.Kind == lockstore.KindCancel:
		op.NotBefore = time.Time{}
	}
	return op
}

// put writes an order, without comparing its revision if the World lacks that rule.
func (w *World) put(ctx context.Context, o lockstore.Order) (int64, error) {
	revision, err := w.Orders.Put(ctx, o)
	for w.Without == CompareAndSet && errors.Is(err, lockstore.ErrOrderChanged) {
		newest, readErr := w.Orders.Order(ctx, o.ID)
		if readErr != nil {
			return 0, readErr
		}
		o.Revision = newest.Revision
		revision, err = w.Orders.Put(ctx, o)
	}
	return revision, err
}

func (w *World) open(ctx context.Context, r payment.Request) (payment.Session, error) {
	switch w.Without {
	case OneSession:
		w.Bank.ForgetKeys()
	case OpenToClose:
		var body struct {
			Stage payment.Stage `json:"stage"`
		}
		if o, err := w.Orders.Order(ctx, r.Order); err == nil && json.Unmarshal(o.Body, &body) == nil && body.Stage == payment.StageGivingBack {
			return payment.Session{}, fmt.Errorf("%w: the world is without a rule", payment.ErrRefused)
		}
	}
	return w.Bank.Open(ctx, r)
}

func (w *World) expire(ctx context.Context, session string) error {
	if w.Without == CloseSession {
		return nil
	}
	return w.Bank.Expire(ctx, session)
}

func (w *World) void(ctx context.Context, id string) error {
	err := w.Bank.Void(ctx, id)
	if w.Without == ReadVoid && errors.Is(err, payment.ErrRefused) {
		return nil
	}
	return err
}

func (w *World) refund(ctx context.Context, id string, amount int64, key string) (payment.Refund, error) {
	if w.Without == OneRefundKey {
		key += fmt.Sprint(" ", w.keys.Add(1))
	}
	return w.Bank.Refund(ctx, id, amount, key)
}
