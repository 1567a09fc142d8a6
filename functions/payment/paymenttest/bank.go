package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A Bank is a provider in memory that can be set to fail. Like a real provider, it is
// strict about keys: it remembers each answer, including failures, for [KeyMemory], and
// refuses a key that is used for something else. The zero Bank takes cards: payments
// are authorised first. A Bank is safe for concurrent use.
type Bank struct {
	// How the Bank behaves. These fields must be set before the first call.
	Immediate     bool             // payments are captured at once
	RefuseCapture bool             // every capture is refused
	Refuse        int              // how many captures are refused
	FailCaptures  int              // how many captures fail without effect
	RefundStates  []RefundPlan     // of the next refunds; others are done at once
	FailRefunds   int              // how many refunds fail without effect
	Decides       time.Duration    // if not 0, the time until the money of a payment comes
	LosesPending  bool             // the money does not come after that
	Clock         func() time.Time // nil is time.Now

	mu       sync.Mutex
	accounts map[string]*account // by session
	answers  map[string]answer   // by key
	number   int
	failed   int // see Failures
}

// KeyMemory is how long a Bank remembers a key.
const KeyMemory = 24 * time.Hour

// A RefundPlan is the first state of a refund, and its second state after a while, if
// there is one.
type RefundPlan struct {
	First, Then payment.RefundState
	After       time.Duration
}

type account struct {
	payment.Payment
	opened   time.Time
	decided  time.Time
	captures int
	refunds  []*refund
}

type refund struct {
	payment.Refund
	made time.Time
	plan RefundPlan
}

type answer struct {
	of   string // the request
	at   time.Time
	give any
	err  error
}

var _ payment.Provider = (*Bank)(nil)

// Name implements [payment.Provider].
func (b *Bank) Name() string { return "bank" }

func (b *Bank) now() time.Time {
	if b.Clock != nil {
		return b.Clock()
	}
	return time.Now()
}

// keyed returns the answer to an earlier call with the key, or that of f.
func keyed[T any](b *Bank, key, of string, f func() (T, error)) (T, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	if a, ok := b.answers[key]; ok && b.now().Sub(a.at) < KeyMemory {
		if a.of != of {
			var none T
			return none, fmt.Errorf("%w: key %s was used for %s, not %s", payment.ErrRefused, key, a.of, of)
		}
		return a.give.(T), a.err
	}
	give, err := f()
	if b.answers == nil {
		b.answers = make(map[string]answer)
	}
	b.answers[key] = answer{of, b.now(), give, err}
	return give, err
}

// settle updates payments and refunds that take time.
func (b *Bank) settle() {
	now := b.now()
	for _, a := range b.accounts {
		if a.State == payment.Pending && !now.Before(a.decided) {
			a.State = payment.Captured
			if b.LosesPending {
				a.State = payment.Void
				b.failed++
			} else {
				a.captures++
			}
		}
		for _, r := range a.refunds {
			if r.plan.Then != "" && now.Sub(r.made) >= r.plan.After && r.State != r.plan.Then {
				b.become(r, r.plan.Then)
			}
		}
	}
}

// become changes the state of a refund.
func (b *Bank) become(r *refund, state payment.RefundState) {
	r.State = state
	if state == payment.RefundFailed {
		b.failed++
	}
}

// Open implements [payment.Provider].
func (b *Bank) Open(ctx context.Context, r payment.Request) (payment.Session, error) {
	if err := ctx.Err(); err != nil {
		return payment.Session{}, err
	}
	of := fmt.Sprintf("open %v %v %s %s", r.Terms, r.Lines, r.Title, r.ReturnURL)
	return keyed(b, string(r.Order), of, func() (payment.Session, error) {
		if r.Amount <= 0 {
			return payment.Session{}, fmt.Errorf("%w: the amount is %d", payment.ErrRefused, r.Amount)
		}
		if !b.now().Before(r.PayBefore.Add(time.Hour)) {
			return payment.Session{}, fmt.Errorf("%w: the session would have expired", payment.ErrRefused)
		}
		b.number++
		s := payment.Session{ID: fmt.Sprintf("session-%d", b.number), URL: fmt.Sprintf("https://bank.example/%d", b.number)}
		if b.accounts == nil {
			b.accounts = make(map[string]*account)
		}
		terms := r.Terms
		terms.Seats = slices.Clone(r.Seats)
		b.accounts[s.ID] = &account{Payment: payment.Payment{Session: s.ID, State: payment.Open, Terms: terms}, opened: b.now()}
		return s, nil
	})
}

// account returns the account of a session or, if there is none, of a payment.
func (b *Bank) account(id string) (*account, error) {
	b.settle()
	if a := b.accounts[id]; a != nil {
		return a, nil
	}
	for _, a := range b.accounts {
		if id != "" && a.ID == id {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no session or payment %q", payment.ErrRefused, id)
}

// Fetch implements [payment.Provider].
func (b *Bank) Fetch(ctx context.Context, session string) (payment.Payment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, err := b.account(session)
	if err := errors.Join(ctx.Err(), err); err != nil {
		return payment.Payment{}, err
	}
	return a.copy(), nil
}

func (a *account) copy() payment.Payment {
	p := a.Payment
	p.Back = a.back(true)
	p.Terms.Seats = slices.Clone(p.Terms.Seats)
	return p
}

// change changes an account.
func (b *Bank) change(ctx context.Context, id string, f func(*account) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, err := b.account(id)
	if err := errors.Join(ctx.Err(), err); err != nil {
		return err
	}
	return f(a)
}

// Expire implements [payment.Provider].
func (b *Bank) Expire(ctx context.Context, session string) error {
	return b.change(ctx, session, func(a *account) error {
		if a.ID != "" {
			return payment.ErrComplete
		}
		a.State = payment.Void
		return nil
	})
}

// Capture implements [payment.Provider].
func (b *Bank) Capture(ctx context.Context, id, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := keyed(b, key, "capture "+id, func() (struct{}, error) {
		a, err := b.account(id)
		switch {
		case err != nil:
			return struct{}{}, err
		case b.FailCaptures > 0:
			b.FailCaptures--
			b.failed++
			return struct{}{}, payment.ErrFailed
		case a.State == payment.Captured:
			return struct{}{}, nil
		case b.Refuse > 0:
			b.Refuse--
			b.failed++
			return struct{}{}, fmt.Errorf("%w: this one is refused", payment.ErrRefused)
		case b.RefuseCapture:
			b.failed++
			return struct{}{}, fmt.Errorf("%w: every capture is refused", payment.ErrRefused)
		case a.State != payment.Authorised:
			return struct{}{}, fmt.Errorf("%w: the payment is %s", payment.ErrRefused, a.State)
		}
		a.State = payment.Captured
		a.captures++
		return struct{}{}, nil
	})
	return err
}

// Void implements [payment.Provider].
func (b *Bank) Void(ctx context.Context, id string) error {
	return b.change(ctx, id, func(a *account) error {
		if a.State == payment.Captured || a.State == payment.Pending {
			return fmt.Errorf("%w: the payment is %s", payment.ErrRefused, a.State)
		}
		a.State = payment.Void
		return nil
	})
}

// Refund implements [payment.Provider].
func (b *Bank) Refund(ctx context.Context, id string, amount int64, key string) (payment.Refund, error) {
	if err := ctx.Err(); err != nil {
		return payment.Refund{}, err
	}
	return keyed(b, key, fmt.Sprintf("refund %s %d", id, amount), func() (payment.Refund, error) {
		a, err := b.account(id)
		switch {
		case err != nil:
			return payment.Refund{}, err
		case b.FailRefunds > 0:
			b.FailRefunds--
			b.failed++
			return payment.Refund{}, payment.ErrFailed
		case a.State != payment.Captured || amount <= 0 || amount > a.Terms.Amount-a.back(true):
			return payment.Refund{}, fmt.Errorf("%w: %d of %d cannot be paid back", payment.ErrRefused, amount, a.Terms.Amount)
		}
		plan := RefundPlan{First: payment.RefundDone}
		if len(b.RefundStates) > 0 {
			plan, b.RefundStates = b.RefundStates[0], b.RefundStates[1:]
		}
		b.number++
		r := &refund{payment.Refund{ID: fmt.Sprintf("refund-%d", b.number), Key: key, Amount: amount}, b.now(), plan}
		b.become(r, plan.First)
		a.refunds = append(a.refunds, r)
		return r.Refund, nil
	})
}

// back returns what was paid back, with what is on its way if pending is set.
func (a *account) back(pending bool) (sum int64) {
	for _, r := range a.refunds {
		if r.State == payment.RefundDone || pending && r.State == payment.RefundPending {
			sum += r.Amount
		}
	}
	return sum
}

// Refunds implements [payment.Provider].
func (b *Bank) Refunds(ctx context.Context, id string) (all []payment.Refund, err error) {
	err = b.change(ctx, id, func(a *account) error {
		for _, r := range a.refunds {
			all = append(all, r.Refund)
		}
		return nil
	})
	return all, err
}

// Recent implements [payment.Provider].
func (b *Bank) Recent(ctx context.Context, since time.Time) iter.Seq2[payment.Payment, error] {
	return func(yield func(payment.Payment, error) bool) {
		b.mu.Lock()
		b.settle()
		var all []payment.Payment
		for _, id := range slices.Sorted(maps.Keys(b.accounts)) {
			if a := b.accounts[id]; !a.opened.Before(since) {
				all = append(all, a.copy())
			}
		}
		b.mu.Unlock()
		if err := ctx.Err(); err != nil {
			yield(payment.Payment{}, err)
			return
		}
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Verify implements [payment.Provider]: a notice is the order's id with the header
// "Bank".
func (b *Bank) Verify(body []byte, header http.Header, _ time.Time) (lockstore.OrderID, error) {
	if header.Get("Bank") == "" {
		return "", payment.ErrBadNotice
	}
	return lockstore.OrderID(body), nil
}
