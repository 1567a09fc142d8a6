package payment

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"seatlock/lockstore"
)

// A Provider takes payments. For each order there is at most one session, which is a
// page on which the buyer pays, and at most one payment, which the buyer makes there.
// A provider that can reserve the money and take it later does so: the payment is
// then [Authorised] first and [Captured] by a call of Capture.
//
// A Provider is safe for concurrent use, across processes too. Several workers may
// call it for the same order at the same time, and a call that its caller gave up
// may take effect later.
//
// # Errors
//
// A call that returns [ErrRefused], wrapped with its cause, did nothing, and neither
// it nor another call with the same key ever will. One that returns [ErrFailed] may
// or may not have taken effect, and another call with the same key gets the same
// answer. After any other error, it is not known whether the call took effect or
// still will; the caller fetches the state and repeats the call with the same key.
//
// # Keys
//
// Calls with the same key are one call: it takes effect once, and each gets the same
// answer. The key of Open is the order's id; those of Capture and Refund are
// arguments. Calls with one key have the same arguments, but for Refund after the store
// has lost a refund. A provider may forget a key after a day.
type Provider interface {
	// Name names the provider in orders, metrics and logs, such as "till". It never
	// changes: an order is settled by the provider that it was opened with.
	Name() string

	// Open opens the session of an order, or returns the one that an earlier call
	// for this order has opened, even if it has been paid or has expired meanwhile.
	Open(ctx context.Context, r Request) (Session, error)

	// Fetch returns the state of a session and its payment. It sees the effect of
	// every call that was answered before it began. It fails with [ErrRefused] if the
	// provider does not know the session, such as with the key of another account.
	Fetch(ctx context.Context, session string) (Payment, error)

	// Expire closes an open session, so that nobody can pay there any more. It
	// succeeds if the session has expired already. It fails with [ErrComplete] if the
	// buyer has paid, whatever became of the payment.
	Expire(ctx context.Context, session string) error

	// Capture takes the whole amount of an authorised payment. It succeeds if that was
	// captured before.
	Capture(ctx context.Context, payment, key string) error

	// Void gives up an authorised payment: the buyer is charged nothing. It succeeds
	// if that was done before, and fails with ErrRefused if the payment is captured.
	Void(ctx context.Context, payment string) error

	// Refund pays a part of a captured payment, or all of it, back. The amount is in
	// the smallest unit of its currency and more than 0. It fails with ErrRefused if
	// more would be paid back than was captured, or if the key was used for another
	// amount: the store has lost that refund then.
	Refund(ctx context.Context, payment string, amount int64, key string) (Refund, error)

	// Refunds returns every refund of a payment, in any order, also those that this
	// program did not ask for.
	Refunds(ctx context.Context, payment string) ([]Refund, error)

	// Recent returns the sessions that were opened since then, in any order, each as
	// Fetch does. It leaves out sessions without valid [Terms]. An error ends the
	// iteration.
	Recent(ctx context.Context, since time.Time) iter.Seq2[Payment, error]

	// Verify checks the signature of a notice that the provider has sent, and returns
	// the order that it is about; none if it is about something else. It fails with
	// [ErrBadNotice] if the provider did not send it, or long ago. A notice only says
	// that something may have changed: the state is fetched.
	Verify(body []byte, header http.Header, now time.Time) (lockstore.OrderID, error)
}

var (
	// ErrRefused is returned when a provider refuses a call. Nothing was done.
	ErrRefused = errors.New("payment: the provider refused")

	// ErrFailed is returned when a provider answers that it failed. The same key gets
	// the same answer.
	ErrFailed = errors.New("payment: the provider failed")

	// ErrComplete is returned when a session that was to expire has been paid.
	ErrComplete = errors.New("payment: the session is complete")

	// ErrBadNotice is returned for a notice that is not the provider's.
	ErrBadNotice = errors.New("payment: the notice is not signed by the provider, or too old")
)

// A Request is what a session is opened with. It is made of the order alone, so each
// call for an order has the same.
type Request struct {
	Terms

	Title     string // what is paid for, such as the name of the event
	Lines     []Line // what it consists of; their sum is Terms.Amount
	Email     string // of the buyer; may be empty
	ReturnURL string // where the provider sends the buyer afterwards, whether paid or not

	// Lang is the language of the page that sends the buyer, as a tag of BCP 47 such as de
	// or pt-BR. Empty: the page goes by the browser.
	Lang string
}

// A Line is one line of a bill.
type Line struct {
	Text   string             `json:"text"`
	Count  int                `json:"count"`
	Amount int64              `json:"amount"`          // of all of them together, in the smallest unit of the currency
	Seats  []lockstore.SeatID `json:"seats,omitempty"` // the seats that it is for, each for the same price; none if it is for something else
}

// A Session is a page on which a buyer can pay.
type Session struct {
	ID  string // 1 to 255 bytes
	URL string // where the buyer's browser is sent
}

// A Payment is the state of a session and of the payment that was made there.
type Payment struct {
	Session string
	ID      string // of the payment; empty while there is none
	State   State
	Terms   Terms // with Amount and Currency as the provider has them, not as its metadata say

	// Back is what was paid back of a Captured payment or is on its way, by anybody, as
	// far as the provider says so with the payment. It may be less than the sum of Refunds.
	Back int64

	// Nameless says that the session does not name its installation and another one may have
	// opened it. It is compared with its order, and never makes one.
	Nameless bool

	// Until is, for a Pending payment, when the provider will have decided at the
	// latest. For an Authorised one it is when the authorisation ends. Zero if that is
	// not known.
	Until time.Time
}

// A State is the state of a session and its payment at the provider.
type State string

// The states. From Open it goes to one of the others, and from Pending and Authorised
// to Captured or Void. Those two are final: a refund does not change Captured.
const (
	Open       State = "open"       // the buyer can pay
	Pending    State = "pending"    // the buyer has paid in a way that takes days, and nobody knows yet whether the money comes
	Authorised State = "authorised" // the money is reserved
	Captured   State = "captured"   // the money was taken
	Void       State = "void"       // the session has expired, or the payment failed or was given up; no money was taken, and none ever will be
)

// A Refund is money on its way back to a buyer.
type Refund struct {
	ID     string
	Key    string // of the call of Refund that made it; empty if none did
	Amount int64
	State  RefundState
}

// A RefundState is the state of a refund.
type RefundState string

// The states of a refund. It may become RefundFailed even after it was RefundDone,
// such as when a card was closed.
const (
	RefundPending RefundState = "pending"
	RefundDone    RefundState = "done"
	RefundFailed  RefundState = "failed" // no money went back
)
