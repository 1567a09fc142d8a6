package booking

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"seatlock/functions/watch"
	"seatlock/lockstore"
)

// list answers GET /seats.
func (a *API) list(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "eventId", "since", "status")
	if err != nil {
		return err
	}
	ev, err := a.event(lockstore.EventID(q.Get("eventId")))
	if err != nil {
		return err
	}
	watch.Of(ctx).Event = ev.ID
	since, status := lockstore.Version(q.Get("since")), lockstore.Status(q.Get("status"))
	if err := checkList(since, status); err != nil {
		return err
	}

	p, now, err := ev.board.fresh(ctx)
	if err != nil {
		return err
	}
	etag := p.etag()
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "no-cache") // keep it, but ask each time whether it still holds
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}

	if status != "" {
		writeList(w, r, p, now, true, one(p.seatsWith(status)))
		return nil
	}
	if since != "" {
		changed, full, err := a.changed(ctx, p, since)
		if err != nil {
			return err
		}
		if !full {
			writeList(w, r, p, now, false, one(changed))
			return nil
		}
	}
	writeList(w, r, p, now, true, p.all())
	return nil
}

func checkList(since lockstore.Version, status lockstore.Status) error {
	if err := since.Check(); err != nil {
		return err
	}
	switch status {
	case "", lockstore.Available, lockstore.Locked, lockstore.Booked:
	default:
		return refuse(errBadRequest, "There is no status %s; a seat is available, locked or booked.", shown(string(status)))
	}
	if since != "" && status != "" {
		return refuse(errBadRequest, "since and status do not go together: a seat that leaves the status would be missing from the changes.")
	}
	return nil
}

// changed renders the seats that changed after the version and up to the page,
// as they are on the page, or says that only a full list will do.
func (a *API) changed(ctx context.Context, p *page, since lockstore.Version) (seats []byte, full bool, err error) {
	if since == p.version {
		return nil, false, nil
	}
	snap, err := a.store.List(ctx, p.ev, since)
	if err != nil || snap.Full {
		return nil, true, err
	}
	// Seats that changed after the page are among these. They are shown as they
	// are on it, which is how the caller knows them: no harm.
	for _, s := range snap.Seats {
		if at, ok := p.ev.Position(s.ID); ok {
			b, i := p.seat(at)
			seats = b.appendSeat(comma(seats), i)
		}
	}
	return seats, false, nil
}

// seatsWith renders the seats that have the status.
func (p *page) seatsWith(status lockstore.Status) []byte {
	var seats []byte
	for _, b := range p.blocks {
		for i := range b.seats {
			if b.status(i) == status {
				seats = b.appendSeat(comma(seats), i)
			}
		}
	}
	return seats
}

func one(piece []byte) seatsJSON { return seatsJSON{[][]byte{piece}, len(piece)} }

func comma(list []byte) []byte {
	if len(list) > 0 {
		return append(list, ',')
	}
	return list
}

// etag names the state of the page's seats: for one version, how many locks
// have run out is all that can differ. It is weak since serverTime differs too.
func (p *page) etag() string {
	return `W/"` + string(p.version) + "." + strconv.Itoa(p.locked) + `"`
}

// matches tells whether the If-None-Match header names the tag.
func matches(header, etag string) bool {
	if header == "" {
		return false
	}
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// writeList answers with what is the same for all lists, and the seats.
func writeList(w http.ResponseWriter, r *http.Request, p *page, now time.Time, full bool, seats seatsJSON) {
	head := make([]byte, 0, 512)
	head = append(head, `{"eventId":"`...)
	head = append(head, p.ev.ID...)
	head = append(head, `","version":"`...)
	head = append(head, p.version...)
	head = append(head, `","full":`...)
	head = strconv.AppendBool(head, full)
	head = append(head, `,"serverTime":"`...)
	head = now.UTC().AppendFormat(head, timeFormat)
	head = append(head, `","counts":{"available":`...)
	head = strconv.AppendInt(head, int64(len(p.ev.Seats)-p.locked-p.booked), 10)
	head = append(head, `,"locked":`...)
	head = strconv.AppendInt(head, int64(p.locked), 10)
	head = append(head, `,"booked":`...)
	head = strconv.AppendInt(head, int64(p.booked), 10)
	head = append(head, `},"seats":[`...)
	const tail = "]}\n"

	h := w.Header()
	h["Content-Type"] = mediaJSON
	h.Set("Content-Length", strconv.Itoa(len(head)+seats.length+len(tail)))
	if r.Method == "HEAD" {
		return
	}
	b := buffers.Get().(*bufio.Writer)
	defer buffers.Put(b)
	b.Reset(w)
	b.Write(head)
	for i, piece := range seats.pieces {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(piece)
	}
	b.WriteString(tail)
	b.Flush() // a client that has gone needs no answer: what fails, fails here
	b.Reset(nil)
}

// buffers gather the pieces of a list into few large writes.
var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}
