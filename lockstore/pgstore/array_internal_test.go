package pgstore

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// TestArrays checks that arrays are read as pgx reads them, and that bytes that are not an
// array are refused.
func TestArrays(t *testing.T) {
	m := pgtype.NewMap()
	encode := func(oid uint32, v any) []byte {
		t.Helper()
		b, err := m.Encode(oid, pgtype.BinaryFormatCode, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, want := range [][]int32{nil, {}, {7}, {0, -1, 1 << 30}} {
		got, err := parsePlaces(encode(pgtype.Int4ArrayOID, want))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v is read as %v, %v", want, got, err)
		}
	}
	for _, want := range [][]string{nil, {}, {""}, {"A1", "", "Loge Ä"}} {
		b := encode(pgtype.TextArrayOID, want)
		got, err := parseTexts[string](b)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is read as %q, %v", want, got, err)
		}
		for n := 1; n < len(b); n++ {
			if got, err := parseTexts[string](b[:n]); err == nil {
				t.Errorf("%d of %d bytes are read as %q", n, len(b), got)
			}
		}
	}
	if got, err := parseTexts[string](encode(pgtype.TextArrayOID, []*string{nil})); err == nil {
		t.Errorf("an array with NULL is read as %q", got)
	}
	at := func(micros int64) pgtype.Timestamptz {
		return pgtype.Timestamptz{Time: time.UnixMicro(micros), Valid: true}
	}
	times := []pgtype.Timestamptz{
		at(0), at(1_700_000_000_000_000), at(1_700_000_000_000_001), at(1_700_000_000_000_999), at(-1_500), at(946_684_799_999_500),
		{InfinityModifier: pgtype.Infinity, Valid: true}, {InfinityModifier: pgtype.NegativeInfinity, Valid: true},
	}
	b := encode(pgtype.TimestamptzArrayOID, times)
	var want []millis
	if err := m.Scan(pgtype.TimestamptzArrayOID, pgtype.BinaryFormatCode, b, &want); err != nil {
		t.Fatal(err)
	}
	if got, err := parseUntils(b); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v is read as %v, %v, want %v", times, got, err, want)
	}
	for n := 1; n < len(b); n++ {
		if got, err := parseUntils(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are read as %v", n, len(b), got)
		}
	}
	if got, err := parsePlaces(b); err == nil {
		t.Errorf("times are read as places %v", got)
	}
	if got, err := parsePlaces(encode(pgtype.Int4ArrayOID, []*int32{nil})); err == nil {
		t.Errorf("an array with NULL is read as %v", got)
	}
}
