package pgstore

import (
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"seatlock/lockstore"
)

// millis is a timestamptz in Unix milliseconds. A part of a millisecond is
// rounded up: the functions of number 1 made locks that end at one, and those are
// over when the clock, which counts milliseconds, is past it.
type millis int64

const (
	never   millis = math.MinInt64 // -infinity
	forEver millis = math.MaxInt64 // infinity
)

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (m *millis) ScanTimestamptz(v pgtype.Timestamptz) error {
	switch {
	case !v.Valid || v.InfinityModifier == pgtype.NegativeInfinity:
		*m = never
	case v.InfinityModifier == pgtype.Infinity:
		*m = forEver
	default:
		*m = millis(v.Time.Add(time.Millisecond - 1).UnixMilli())
	}
	return nil
}

func (m millis) time() time.Time { return time.UnixMilli(int64(m)) }

// listed returns what a list shows, at now, of the seat at a position that is
// taken until then.
func listed(position int32, until, now millis) lockstore.ListedSeat {
	switch {
	case until == forEver:
		return lockstore.ListedSeat{Position: position, Status: lockstore.Booked}
	case until > now:
		return lockstore.ListedSeat{Position: position, Status: lockstore.Locked, Expires: int64(until)}
	}
	return lockstore.ListedSeat{Position: position}
}
