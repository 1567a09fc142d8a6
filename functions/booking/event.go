package booking

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"seatlock/functions/seatlist"
	"seatlock/functions/static"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// An event is one of the events on sale.
type event struct {
	*lockstore.Event
	venue     *venue.Event     // the same, as buyers see it
	unlimited *lockstore.Event // the same without a seat limit
	feed      *seatlist.Feed
	outdated  atomic.Bool // the store had another seat map at the last request

	plans   *layoutPlans
	windows int // the least number of windows among which a pick chooses
	picker  picker

	// Cached from the last answer, since the next is often the same.
	lastTag  atomic.Pointer[stateTag]
	lastList atomic.Pointer[rendering]
}

// A stateTag is the ETag of a snapshot.
type stateTag struct {
	snap *seatlist.Snapshot
	etag []string // in the form of a header's values
}

// etag returns the ETag of the lists of a snapshot. It is weak, since lists also
// contain the server's time.
func (ev *event) etag(snap *seatlist.Snapshot) []string {
	last := ev.lastTag.Load()
	if last == nil || last.snap != snap {
		last = &stateTag{snap, []string{`W/"` + snap.Tag() + `"`}}
		ev.lastTag.Store(last)
	}
	return last.etag
}

// A rendering is a list as it is sent.
type rendering struct {
	list    *seatlist.List
	accepts bool   // whether the client accepts compressed answers
	gzip    []byte // nil if the list is not compressed
	length  []string
}

// rendered returns the rendering of a list for clients that accept compressed
// answers or do not.
func (ev *event) rendered(l *seatlist.List, accepts bool) *rendering {
	last := ev.lastList.Load()
	if last != nil && last.list == l && last.accepts == accepts {
		return last
	}
	next := &rendering{list: l, accepts: accepts}
	length := l.Len()
	if accepts && length >= static.Worthwhile {
		next.gzip = l.Gzip()
		length = len(next.gzip)
	}
	next.length = []string{strconv.Itoa(length)}
	ev.lastList.Store(next)
	return next
}

// write sends the list. It ignores errors: a client that has gone needs no answer.
func (r *rendering) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Length"] = r.length
	if r.gzip == nil {
		r.list.WriteTo(w)
		return
	}
	h["Content-Encoding"] = static.Gzip
	w.Write(r.gzip)
}
