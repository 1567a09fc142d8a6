package payment

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"seatlock/lockstore"
)

// Terms describe an order. The provider keeps them with the session, so that an order
// which the store has lost can be rebuilt.
type Terms struct {
	Order    lockstore.OrderID  `json:"order"`
	Event    lockstore.EventID  `json:"event"`
	User     lockstore.UserID   `json:"user"`
	Seats    []lockstore.SeatID `json:"seats"`    // 1 to [lockstore.MaxSeats]
	Amount   int64              `json:"amount"`   // in the smallest unit of the currency; 0 or more
	Currency string             `json:"currency"` // three capital letters of ISO 4217; may be empty if Amount is 0

	Created   time.Time `json:"created"`   // in whole seconds
	PayBefore time.Time `json:"payBefore"` // in whole seconds; after that, Expire closes the session, which does not close by itself
}

// maxMetadataValue is Stripe's bound, which is the lowest.
const maxMetadataValue = 500

// Metadata returns the Terms without amount and currency, as up to 50 names with values
// of up to 500 bytes. [ParseTerms] reads them.
func (t *Terms) Metadata() map[string]string {
	m := map[string]string{
		"order":      string(t.Order),
		"event":      string(t.Event),
		"user":       string(t.User),
		"created":    strconv.FormatInt(t.Created.Unix(), 10),
		"pay_before": strconv.FormatInt(t.PayBefore.Unix(), 10),
	}
	part := 1
	var list strings.Builder
	flush := func() {
		m["seats_"+strconv.Itoa(part)] = list.String()
		list.Reset()
		part++
	}
	for _, seat := range t.Seats {
		if list.Len() > 0 && list.Len()+len(seatSeparator)+len(seat) > maxMetadataValue {
			flush()
		}
		if list.Len() > 0 {
			list.WriteString(seatSeparator)
		}
		list.WriteString(string(seat))
	}
	flush()
	return m
}

// seatSeparator does not occur in seat ids.
const seatSeparator = "&"

// ParseTerms returns the Terms in the metadata. It fails unless they are those of an
// order.
func ParseTerms(m map[string]string, amount int64, currency string) (Terms, error) {
	t := Terms{
		Order:    lockstore.OrderID(m["order"]),
		Event:    lockstore.EventID(m["event"]),
		User:     lockstore.UserID(m["user"]),
		Amount:   amount,
		Currency: strings.ToUpper(currency),
	}
	for name, at := range map[string]*time.Time{"created": &t.Created, "pay_before": &t.PayBefore} {
		seconds, err := strconv.ParseInt(m[name], 10, 64)
		if err != nil {
			return Terms{}, fmt.Errorf("payment: the metadata's %s must be a time in Unix seconds, not %q", name, m[name])
		}
		*at = time.Unix(seconds, 0)
	}
	for part := 1; m["seats_"+strconv.Itoa(part)] != ""; part++ {
		for seat := range strings.SplitSeq(m["seats_"+strconv.Itoa(part)], seatSeparator) {
			t.Seats = append(t.Seats, lockstore.SeatID(seat))
		}
	}
	return t, t.Check()
}

// Check returns an error unless the Terms are valid.
func (t *Terms) Check() error {
	if err := t.Order.Check(); err != nil {
		return err
	}
	if err := t.Event.Check(); err != nil {
		return err
	}
	if err := t.User.Check(); err != nil {
		return err
	}
	if len(t.Seats) == 0 || len(t.Seats) > lockstore.MaxSeats {
		return fmt.Errorf("payment: order %s has %d seats; it must have 1 to %d", t.Order, len(t.Seats), lockstore.MaxSeats)
	}
	for _, seat := range t.Seats {
		if err := seat.Check(); err != nil {
			return err
		}
	}
	if t.Amount < 0 || (t.Amount > 0 || t.Currency != "") && (len(t.Currency) != 3 || strings.ToUpper(t.Currency) != t.Currency) {
		return fmt.Errorf("payment: order %s must have an amount of 0 or more in a currency of three capital letters, not %d %q", t.Order, t.Amount, t.Currency)
	}
	return nil
}
