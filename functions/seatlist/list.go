package booking

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// list answers GET /seats.
func (a *API) list(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	ev, since, status, err := a.listQuery(r, "eventId", "since", "status")
	if err != nil {
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

	var l *List
	if status != "" {
		l = newList(p, now, true, one(p.seatsWith(status)))
	} else if l, err = a.since(ctx, p, now, since); err != nil {
		return err
	}
	h["Content-Type"] = mediaJSON
	h.Set("Content-Length", strconv.Itoa(l.Len()))
	if r.Method != "HEAD" {
		l.WriteTo(w) // a client that has gone needs no answer: what fails, fails here
	}
	return nil
}

// listQuery reads which list a request asks for, in the parameters that its call knows.
func (a *API) listQuery(r *http.Request, known ...string) (*event, lockstore.Version, lockstore.Status, error) {
	q, err := query(r, known...)
	if err != nil {
		return nil, "", "", err
	}
	ev, err := a.event(lockstore.EventID(q.Get("eventId")))
	if err != nil {
		return nil, "", "", err
	}
	telemetry.Of(r.Context()).Event = ev.ID
	since, status := lockstore.Version(q.Get("since")), lockstore.Status(q.Get("status"))
	return ev, since, status, checkList(since, status)
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

// since renders the page for whoever has a version of the list: what changed
// after it, or everything.
func (a *API) since(ctx context.Context, p *page, now time.Time, since lockstore.Version) (*List, error) {
	if since != "" {
		changed, full, err := a.changed(ctx, p, since)
		if err != nil {
			return nil, err
		}
		if !full {
			return newList(p, now, false, one(changed)), nil
		}
	}
	return newList(p, now, true, p.all()), nil
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

// A List is how seats of one event are at one moment, in the JSON of GET
// /seats. It is immutable.
type List struct {
	Version lockstore.Version // where the event stood
	Full    bool              // every seat, not only what changed since the version asked for

	// Moment orders the lists of one event that one API has made: none of a
	// lower Moment knows of anything that this one does not.
	Moment uint64

	head  []byte // what stands before the seats
	seats seatsJSON
}

// listTail is what stands after the seats.
const listTail = "]}\n"

func newList(p *page, now time.Time, full bool, seats seatsJSON) *List {
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
	return &List{p.version, full, p.moment, head, seats}
}

// Len is how many bytes WriteTo writes.
func (l *List) Len() int { return len(l.head) + l.seats.length + len(listTail) }

// WriteTo writes the list, in few large pieces.
func (l *List) WriteTo(w io.Writer) (int64, error) {
	b := buffers.Get().(*bufio.Writer)
	defer buffers.Put(b)
	b.Reset(w)
	defer b.Reset(nil)
	b.Write(l.head) // the first error is that of every later call
	for i, piece := range l.seats.pieces {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(piece)
	}
	b.WriteString(listTail)
	if err := b.Flush(); err != nil {
		return 0, err
	}
	return int64(l.Len()), nil
}

// buffers gather the pieces of a list into few large writes.
var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}
