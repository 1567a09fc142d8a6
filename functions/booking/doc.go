// Package booking is the API: it locks, confirms, releases and lists seats over
// HTTP.
//
// [New] makes an [API]. Its handlers depend on a [lockstore.LockStore] and keep nothing
// that cannot be read from the store again. The local runner mounts them all, and each
// Lambda function wraps one. The package must not know any backend, where it runs, or
// how it is configured. Event ids and seats are in the body or the query, never in the
// path, so each handler works without a mux.
package booking
