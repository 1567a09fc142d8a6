package pgstore

import (
	"strconv"
	"strings"

	"seatlock/lockstore"
)

// A mark is a row of an event's log: how many changes there had been, and a
// nonce that distinguishes it from the row of the same number in another life of the
// database. As a Version it reads "number-nonce".
type mark struct {
	number int64
	nonce  string
}

func (m mark) version() lockstore.Version {
	return lockstore.Version(strconv.FormatInt(m.number, 10) + "-" + m.nonce)
}

// noMark is the mark of no row.
var noMark = mark{number: -1}

// parseMark reads a Version that this package could have made. For any other Version,
// it returns noMark.
func parseMark(v lockstore.Version) mark {
	number, nonce, _ := strings.Cut(string(v), "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if m := (mark{n, nonce}); err == nil && m.version() == v {
		return m
	}
	return noMark
}
