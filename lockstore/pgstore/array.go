package pgstore

import (
	"encoding/binary"
	"errors"
	"time"
)

// pgx takes some microseconds for ten elements of an array, which is most of the
// time of a long list. These functions read PostgreSQL's binary format of arrays.

var errArray = errors.New("pgstore: PostgreSQL answered an array that cannot be read")

// parsePlaces reads an int4[]. It reads NULL as an empty array.
func parsePlaces(b []byte) ([]int32, error) {
	return parseArray(b, 4, func(e []byte) int32 { return int32(binary.BigEndian.Uint32(e)) })
}

// parseUntils reads a timestamptz[]. It reads NULL as an empty array.
func parseUntils(b []byte) ([]millis, error) {
	return parseArray(b, 8, func(e []byte) millis { return microsUntil(int64(binary.BigEndian.Uint64(e))) })
}

// parseTexts reads a text[]. It reads NULL as an empty array, and keeps nothing of b. A
// NULL element is an error.
func parseTexts[T ~string](b []byte) ([]T, error) {
	n, b, err := arrayHeader(b)
	if err != nil || n == 0 {
		return nil, err
	}
	if n > len(b)/4 {
		return nil, errArray
	}
	all := make([]T, n)
	for i := range all {
		if len(b) < 4 {
			return nil, errArray
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		if size < 0 || size > len(b) {
			return nil, errArray
		}
		all[i] = T(b[:size])
		b = b[size:]
	}
	if len(b) > 0 {
		return nil, errArray
	}
	return all, nil
}

// arrayHeader returns how many elements an array has, and the elements.
func arrayHeader(b []byte) (n int, elements []byte, err error) {
	if len(b) == 0 {
		return 0, nil, nil
	}
	if len(b) < 12 {
		return 0, nil, errArray
	}
	dimensions := binary.BigEndian.Uint32(b)
	b = b[12:] // the flags and the type of the elements, too
	if dimensions == 0 {
		return 0, nil, nil
	}
	if dimensions != 1 || len(b) < 8 {
		return 0, nil, errArray
	}
	return int(binary.BigEndian.Uint32(b)), b[8:], nil // and the index of the first
}

// parseArray reads an array of elements that have size bytes each. A NULL element
// is an error.
func parseArray[T any](b []byte, size int, parse func([]byte) T) ([]T, error) {
	n, b, err := arrayHeader(b)
	if err != nil || n == 0 {
		return nil, err
	}
	if len(b) != n*(4+size) {
		return nil, errArray
	}
	all := make([]T, n)
	for i := range all {
		if binary.BigEndian.Uint32(b) != uint32(size) {
			return nil, errArray
		}
		all[i] = parse(b[4 : 4+size])
		b = b[4+size:]
	}
	return all, nil
}

// year2000 is the time from which PostgreSQL counts microseconds.
var year2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// microsUntil converts a timestamptz from PostgreSQL's microseconds.
func microsUntil(micros int64) millis {
	m := millis(micros)
	if m == never || m == forEver {
		return m
	}
	whole := micros / 1000
	if micros > whole*1000 {
		whole++
	}
	return millis(whole + year2000)
}
