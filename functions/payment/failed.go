package payment

import (
	"fmt"
	"strings"
)

// An OrdersError is the error of a call that goes through many orders and has failed for
// some of them. It has done its work for all others.
type OrdersError struct {
	First []error // the first of the failures, each of which names its order; up to 20
	Count int     // how many orders have failed
}

const maxNamed = 20

func (e *OrdersError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "payment: %d failed: ", e.Count)
	for i, err := range e.First {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	if more := e.Count - len(e.First); more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// Unwrap returns First.
func (e *OrdersError) Unwrap() []error { return e.First }

// add adds a failure, if there is one.
func (e *OrdersError) add(err error) {
	if err == nil {
		return
	}
	if e.Count++; len(e.First) < maxNamed {
		e.First = append(e.First, err)
	}
}

// err returns e, or nil if nothing has failed.
func (e *OrdersError) err() error {
	if e.Count == 0 {
		return nil
	}
	return e
}
