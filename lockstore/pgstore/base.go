package pgstore

import (
	"context"
	"encoding/binary"
	"errors"

	"seatlock/lockstore"
)

// PostgreSQL spends most of the time for a full list of many seats on making rows of it.
// So a program that has made such a list stores it in the database, in a few bytes a seat.
// The next full list is built from that and from what the log has since then.

// keepFrom is how many seats a full list must have for it to be kept, and how many
// must have changed since then for the next one to replace it.
const keepFrom = 1000

// A base is a full list of an event that was kept.
type base struct {
	mark            // the row of the log that it is as of
	made   int64    // the time of the list in Unix milliseconds
	untils []millis // of each place; nil if there is no base
}

// baseSQL answers one row, of NULLs if there is no base that the log reaches back to.
const baseSQL = `SELECT b.number, b.nonce, b.seats FROM (SELECT) AS one LEFT JOIN (
	SELECT base.number, base.nonce, base.seats FROM seatlock.event JOIN seatlock.base ON base.event = event.id
	WHERE event.name = $1 AND event.fingerprint = $2
		AND EXISTS (SELECT FROM seatlock.log WHERE log.event = event.id AND log.number = base.number AND log.nonce = base.nonce)
) AS b ON true`

// base returns the event's base.
func (s *Store) base(ctx context.Context, ev *lockstore.Event) (base, error) {
	var number *int64
	var nonce *string
	var seats []byte
	err := s.ask(ctx, lockstore.ErrUnavailable, baseSQL, []any{string(ev.ID), ev.Fingerprint()}, &number, &nonce, &seats)
	if err != nil || number == nil || nonce == nil {
		return base{mark: noMark}, err
	}
	b, err := parseBase(seats, len(ev.Seats))
	if err != nil {
		return base{mark: noMark}, nil // another version of the program may have another format: the next list replaces it
	}
	b.mark = mark{*number, *nonce}
	return b, nil
}

// keep stores a full list. Callers do not wait for that. If it fails, or another list
// is being kept, only the next full list takes longer.
func (s *Store) keep(ev *lockstore.Event, as mark, seats []byte) {
	if !s.keeping.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.keeping.Store(false)
		var kept bool
		_ = s.ask(context.Background(), lockstore.ErrUnavailable, "SELECT seatlock.keep($1, $2, $3, $4, $5)",
			[]any{string(ev.ID), ev.Fingerprint(), as.number, as.nonce, seats}, &kept)
	}()
}

// The bytes of a base are
//
//   - baseFormat;
//   - the time of the list in Unix milliseconds, as a uvarint;
//   - for each seat two uvarints: how many places it is after the seat before it (the
//     first one after place -1), and 0 if it is booked, 1 if it is blocked, and 1+n if its
//     lock ends n ms after the time of the list.
const baseFormat byte = 1

const (
	baseBooked = iota
	baseBlocked
)

// formatBase returns the bytes of a base with the seats of a full list.
func formatBase(snap lockstore.Snapshot) []byte {
	b := make([]byte, 0, 16+4*len(snap.Seats))
	b = append(b, baseFormat)
	b = binary.AppendUvarint(b, uint64(snap.Now))
	before := int32(-1)
	for _, seat := range snap.Seats {
		b = binary.AppendUvarint(b, uint64(seat.Position-before))
		before = seat.Position
		switch seat.Status {
		case lockstore.Booked:
			b = append(b, baseBooked)
		case lockstore.Blocked:
			b = append(b, baseBlocked)
		default:
			b = binary.AppendUvarint(b, baseBlocked+uint64(seat.Expires-snap.Now))
		}
	}
	return b
}

var errBase = errors.New("pgstore: PostgreSQL has a kept list that cannot be read")

// parseBase reads the bytes of a base with so many places. The result has no mark.
func parseBase(b []byte, places int) (base, error) {
	if len(b) == 0 || b[0] != baseFormat {
		return base{}, errBase
	}
	now, n := binary.Uvarint(b[1:])
	if n <= 0 {
		return base{}, errBase
	}
	b = b[1+n:]
	untils := untaken(places)
	at := -1
	for len(b) > 0 {
		step, n := binary.Uvarint(b)
		if n <= 0 || step == 0 || step > uint64(places-1-at) {
			return base{}, errBase
		}
		at += int(step)
		code, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return base{}, errBase
		}
		b = b[n+m:]
		switch code {
		case baseBooked:
			untils[at] = forEver
		case baseBlocked:
			untils[at] = outOfSale
		default:
			untils[at] = millis(now + code - baseBlocked)
		}
	}
	return base{made: int64(now), untils: untils}, nil
}

// untaken returns the untils of an event with so many places and no seat taken.
func untaken(places int) []millis {
	untils := make([]millis, places)
	for i := range untils {
		untils[i] = never
	}
	return untils
}
