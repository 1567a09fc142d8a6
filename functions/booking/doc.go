// Package booking is the API: what locks, confirms, releases and lists seats
// over HTTP.
//
// [New] makes an [API], whose handlers depend on a [lockstore.LockStore] and
// keep nothing of their own that the store could not give again. The same
// handlers are mounted by the local runner and wrapped by the Lambda
// functions. The package must not know any backend, where it runs, or how its
// settings came to it; event ids and seats are in the body or the query, never
// in the path, so that each handler works without a mux.
package booking
