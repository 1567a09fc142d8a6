// Package payment takes an order from checkout to paid seats, or to seats and money
// given back.
//
// A [Provider] moves the money and a [lockstore.LockStore] has the seats. They have no
// common transaction. Each order is a record in a [lockstore.OrderStore], and each
// decision about it is a compare-and-set of that record, before the action that follows
// from it. One table, in moves.go, has all the states and the work in each. Webhooks, a
// returning buyer, polling and an order's due time all do the same: they reconcile the
// order, which fetches the state of the payment and moves the order on.
//
// Whatever fails, and whenever a worker stops, no money is kept without every seat, and
// no seat is booked without money.
//
// A process that takes no payments itself changes orders with the provider [Elsewhere].
//
// The package must not know which provider is used, nor which store.
package payment
