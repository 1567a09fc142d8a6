package pgstore

import (
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"seatlock/lockstore"
)

// millis is when a seat stops being taken: a timestamptz in Unix milliseconds.
// Fractions are rounded up: the functions of number 1 made locks that end between
// milliseconds. Such a lock is over once the clock, which counts milliseconds, is past
// its end.
type millis int64

const (
	never   millis = math.MinInt64 // -infinity
	forEver millis = math.MaxInt64 // infinity: the seat is booked
)

// outOfSale is until when a blocked seat is taken. No lock ends that late.
var outOfSale = millis(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli())

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

// listed returns what a list at now shows of the seat at a position that is taken until
// then.
func listed(position int32, until millis, now int64) lockstore.ListedSeat {
	return lockstore.Listed(int(position), status(until), int64(until), now)
}

// status returns the status of a seat that is taken until then. A lock may have ended.
func status(until millis) lockstore.Status {
	switch until {
	case forEver:
		return lockstore.Booked
	case outOfSale:
		return lockstore.Blocked
	}
	return lockstore.Locked
}
