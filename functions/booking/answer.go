package booking

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
)

// A seatsAnswer is the answer to a change.
type seatsAnswer struct {
	*verb
	*change
	seats   []lockstore.SeatID // with the status of the verb; for a move, the old ones
	expires time.Time          // if the status is Locked
	left    int                // until then, in seconds
	changed int                // how many seats the call changed

	together bool // the picked seats are side by side
}

// appendJSON appends the answer in JSON. It avoids reflection, since every lock calls
// it.
func (s *seatsAnswer) appendJSON(b []byte) []byte {
	b = append(b, `{"message":"`...)
	if s.changed == 0 && s.none != "" {
		b = append(b, s.none...)
	} else {
		list := len(b)
		b = appendSeatList(b, s.seats)
		b[list] = 'S'
		b = append(b, ' ')
		b = append(b, s.done...)
		if s.kind == lockstore.KindMove {
			b = append(b, ' ')
			b = appendSeatList(b, s.op.To)
		}
	}
	b = append(b, `.","eventId":"`...)
	b = append(b, s.ev.ID...)
	b = append(b, '"')
	if s.op.User != "" {
		b = append(b, `,"userId":`...)
		b = appendString(b, string(s.op.User))
	}
	b = append(b, `,"seatIds":`...)
	b = appendIDs(b, s.seats)
	if s.kind == lockstore.KindMove {
		b = append(b, `,"toSeatIds":`...)
		b = appendIDs(b, s.op.To)
	}
	b = append(b, `,"status":"`...)
	b = append(b, s.status.String()...)
	b = append(b, '"')
	if s.op.Ref != "" {
		name := `,"reference":"`
		if s.kind == lockstore.KindBlock {
			name = `,"reason":"`
		}
		b = append(b, name...)
		b = append(b, s.op.Ref...)
		b = append(b, '"')
	}
	if s.status == lockstore.Locked {
		b = append(b, `,"expiresAt":"`...)
		b = seatlist.AppendTime(b, s.expires.UnixMilli())
		b = append(b, `","expiresInSeconds":`...)
		b = strconv.AppendInt(b, int64(s.left), 10)
	}
	if s.pick != nil && s.pick.Count > 0 {
		b = append(b, `,"together":`...)
		b = strconv.AppendBool(b, s.together)
	}
	b = s.appendBill(b)
	return append(b, "}\n"...)
}

// appendIDs appends a list of seats. No id needs to be escaped.
func appendIDs(b []byte, ids []lockstore.SeatID) []byte {
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, id...)
		b = append(b, '"')
	}
	return append(b, ']')
}

// appendString appends a user id, or another text that the store has checked to be
// valid UTF-8.
func appendString(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text) // fails only on invalid UTF-8
	return b
}
