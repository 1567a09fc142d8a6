package pgstore

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
)

// enterMost is how many entries get a number in one transaction.
const enterMost = 2000

// Journal implements [lockstore.LockStore].
func (s *Store) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	if err := lockstore.CheckJournal(after, limit); err != nil {
		return nil, err
	}
	from, ours := parseStamp(after)
	j, err := s.journal(ctx, ev)
	if err != nil {
		return nil, err
	}
	if !ours {
		return nil, lockstore.ErrJournalReset
	}
	if j.unnumbered {
		if _, err := s.enter(ctx, j.event, limit); err != nil {
			return nil, err
		}
	}
	return s.entries(ctx, j.event, from, limit)
}

// lastEntry returns the Seq of the last entry.
func (s *Store) lastEntry(ctx context.Context, ev *lockstore.Event) (lockstore.Seq, error) {
	j, err := s.journal(ctx, ev)
	if err != nil {
		return "", err
	}
	for j.unnumbered {
		entered, err := s.enter(ctx, j.event, enterMost)
		if err != nil {
			return "", err
		}
		if entered == enterMost {
			continue
		}
		if j, err = s.journal(ctx, ev); err != nil {
			return "", err
		}
		break // what came meanwhile is later than the call
	}
	return j.last, nil
}

// A journal is the state of an event's journal.
type journal struct {
	event      int32 // as the database numbers events
	last       lockstore.Seq
	unnumbered bool // there are entries without a number
}

// journal returns the state of the event's journal. It opens the event if necessary.
func (s *Store) journal(ctx context.Context, ev *lockstore.Event) (journal, error) {
	for range attempts {
		var j journal
		var outcome string
		var number *int64
		var id *[16]byte
		err := s.ask(ctx, lockstore.ErrUnavailable, "SELECT outcome, event, number, id, unnumbered FROM seatlock.journal($1, $2, $3)",
			[]any{string(ev.ID), ev.Fingerprint(), revision(ev)}, &outcome, &j.event, &number, &id, &j.unnumbered)
		if err != nil {
			return journal{}, err
		}
		if outcome == done {
			if number != nil && id != nil {
				j.last = stamp{*number, nonceOf(*id)}.seq()
			}
			return j, nil
		}
		if err := s.Open(ctx, ev); err != nil {
			return journal{}, err
		}
	}
	return journal{}, errNotOpen
}

// enter has the database number entries, and returns how many.
func (s *Store) enter(ctx context.Context, event int32, most int) (entered int, err error) {
	// A reader that asks again finds them numbered.
	err = s.ask(ctx, lockstore.ErrUnavailable, "SELECT seatlock.enter($1, $2)", []any{event, most}, &entered)
	return entered, err
}

const entriesSQL = "SELECT number, id, kind, seats, moved_to, holder, ref, asker, made FROM seatlock.entry WHERE event = $1 AND number IS NOT NULL AND number >= $2 ORDER BY number LIMIT $3"

// entries returns the entries that have a number, from the first one after a stamp.
func (s *Store) entries(ctx context.Context, event int32, after stamp, limit int) ([]lockstore.Entry, error) {
	var all []lockstore.Entry
	err := s.askBy(ctx, lockstore.ErrUnavailable, func(ctx context.Context, conn *pgxpool.Conn) error {
		all = nil
		rows, err := conn.Query(ctx, entriesSQL, event, after.number, limit+1) // including the one that the caller knows
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e, err := parseEntry(rows.RawValues())
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return rows.Err()
	})
	switch {
	case err != nil:
		return nil, err
	case after == stamp{}:
	case len(all) == 0 || all[0].Seq != after.seq():
		return nil, lockstore.ErrJournalReset
	default:
		all = all[1:]
	}
	return all[:min(len(all), limit)], nil
}

var errEntry = errors.New("pgstore: PostgreSQL answered an entry of a journal that cannot be read")

// parseEntry reads a row of entriesSQL in PostgreSQL's binary format. pgx would spend most
// of the time of a page on finding the type and the destination of each value. The
// entry keeps nothing of the row.
func parseEntry(row [][]byte) (e lockstore.Entry, err error) {
	const columns = 9
	if len(row) != columns || len(row[0]) != 8 || len(row[1]) != 16 || len(row[8]) != 8 {
		return e, errEntry
	}
	id := [16]byte(row[1])
	e = lockstore.Entry{
		ID: hex.EncodeToString(id[:]), Seq: stamp{int64(binary.BigEndian.Uint64(row[0])), nonceOf(id)}.seq(), Kind: kindNamed(row[2]),
		User: lockstore.UserID(row[5]), Ref: lockstore.Ref(row[6]), By: string(row[7]), Time: microsUntil(int64(binary.BigEndian.Uint64(row[8]))).time(),
	}
	if e.Seats, err = parseTexts[lockstore.SeatID](row[3]); err != nil {
		return e, err
	}
	e.To, err = parseTexts[lockstore.SeatID](row[4])
	return e, err
}

// A stamp is a place in a journal: the number of an entry, and a part of its id, which
// distinguishes it from an entry of that number that a failover has undone. As a Seq it
// reads "number-nonce".
type stamp struct {
	number int64
	nonce  string
}

func (s stamp) seq() lockstore.Seq {
	return lockstore.Seq(strconv.FormatInt(s.number, 10) + "-" + s.nonce)
}

// nonceOf returns the nonce of an entry with that id.
func nonceOf(id [16]byte) string { return hex.EncodeToString(id[:6]) }

// parseStamp reads a Seq, and reports whether this package could have made it. The
// stamp of the empty Seq is zero.
func parseStamp(seq lockstore.Seq) (at stamp, ours bool) {
	if seq == "" {
		return stamp{}, true
	}
	number, nonce, _ := strings.Cut(string(seq), "-")
	n, err := strconv.ParseInt(number, 10, 64)
	at = stamp{n, nonce}
	return at, err == nil && n > 0 && at.seq() == seq
}

// kinds are all kinds of operations.
var kinds = lockstore.Kinds()

// kindNamed returns the kind of operation with that name, or 0.
func kindNamed(name []byte) lockstore.Kind {
	for _, kind := range kinds {
		if kind.String() == string(name) {
			return kind
		}
	}
	return 0
}
