package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
)

// Outcomes of carry_out that are not reasons of a conflict.
const (
	done       = "ok"
	again      = "again" // the call is to be repeated
	tooLate    = "too_late"
	tooEarly   = "too_early"
	notOpen    = "not_open"
	otherSeats = "other_seats"
)

// An answer is what carry_out decided about a call.
type answer struct {
	outcome string
	clock   time.Time
	ends    millis      // when the first lock ends, after KindLock and KindExtend
	held    int         // how many seats the user has, for OverSeatLimit
	changed []int       // in Op.Seats and then Op.To
	inWay   []seatInWay // of a refusal
}

// A seatInWay is a seat that prevents an operation.
type seatInWay struct {
	number int // in Op.Seats and then Op.To
	until  millis
}

// answers is the row that carry_out returns.
type answers struct {
	clock    *time.Time
	outcomes []string
	depends  []bool
	expires  []millis
	held     []int32
	marks    []int32
	untils   []millis
}

const carryOutSQL = "SELECT clock, outcomes, depends, expires, held, marks, untils FROM seatlock.carry_out($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)"

// lockOneSQL locks the seat of a lone call, and answers as carry_out does.
const lockOneSQL = "SELECT clock, outcomes, depends, expires, held, marks, untils FROM seatlock.lock_one($1, $2, $3, $4, $5, $6, $7, $8)"

// carryOutAll has the database carry out the calls and answers them. If it fails, it
// returns the calls that the error is for.
func (s *Store) carryOutAll(ctx context.Context, conn *pgxpool.Conn, calls []*call) (rest []*call, err error) {
	var a answers
	into := []any{&a.clock, &a.outcomes, &a.depends, &a.expires, &a.held, &a.marks, &a.untils}
	var committed func() error
	// The calls of a batch have answers that wait for the disk and others that do not. A
	// lone call has one answer. It comes with the end of the commit, which does not wait
	// for the disk after a refusal.
	early := len(calls) > 1
	if w := &calls[0].Work; len(calls) == 1 && w.kind == lockstore.KindLock && len(w.places) == 1 && w.notAfter.IsZero() {
		committed, err = s.lockOne.ask(ctx, conn.Conn(), early, w.lockOneArgs(), into)
	} else {
		committed, err = s.carryOut.ask(ctx, conn.Conn(), early, args(calls), into)
	}
	if err != nil {
		return calls, outcome(err, lockstore.ErrOutcomeUnknown)
	}
	all, err := a.of(calls)
	if err != nil {
		_ = committed() // the connection must be read to the end
		return calls, err
	}
	// A refusal changes nothing. Unless it depends on what other calls of the batch
	// change, it is true already and need not wait for the disk.
	waits := make([]answer, 0, len(calls))
	for i, c := range calls {
		if o := all[i].outcome; o != done && o != again && !a.depends[i] {
			c.Answer(all[i], nil)
		} else {
			rest, waits = append(rest, c), append(waits, all[i])
		}
	}
	if err := outcome(committed(), lockstore.ErrOutcomeUnknown); err != nil {
		return rest, err
	}
	var repeated []*call
	for i, c := range rest {
		if waits[i].outcome == again {
			repeated = append(repeated, c)
		} else {
			c.Answer(waits[i], nil)
		}
	}
	s.queue.SendAgain(repeated, false, errOvertaken)
	return nil, nil
}

// errOvertaken is the error of a call that other transactions of its user overtook
// again and again.
var errOvertaken = fmt.Errorf("%w: other calls of the user are under way", lockstore.ErrUnavailable)

// of returns the answer to each of the calls.
func (a *answers) of(calls []*call) ([]answer, error) {
	seats := 0
	for _, c := range calls {
		seats += len(c.Work.places)
	}
	n := len(calls)
	all := make([]answer, n)
	if a.clock != nil && a.outcomes == nil && (a.expires == nil || len(a.expires) == n) {
		for i, c := range calls {
			all[i] = answer{outcome: done, clock: *a.clock, ends: millis(a.clock.Add(c.Work.lasts).UnixMilli()), changed: make([]int, len(c.Work.places))}
			if a.expires != nil {
				all[i].ends = a.expires[i]
			}
			for n := range c.Work.places {
				all[i].changed[n] = n
			}
		}
		a.depends = make([]bool, n)
		return all, nil
	}
	if a.clock == nil || len(a.outcomes) != n || len(a.depends) != n || len(a.expires) != n || len(a.held) != n || len(a.marks) != seats || len(a.untils) != seats {
		return nil, fmt.Errorf("%w: PostgreSQL answered %d calls of %d seats with %+v", lockstore.ErrOutcomeUnknown, n, seats, *a)
	}
	first := 0
	for i, c := range calls {
		to := &all[i]
		*to = answer{outcome: a.outcomes[i], clock: *a.clock, ends: a.expires[i], held: int(a.held[i])}
		for number := range c.Work.places {
			switch a.marks[first+number] {
			case 1:
				to.changed = append(to.changed, number)
			case 2:
				to.inWay = append(to.inWay, seatInWay{number, a.untils[first+number]})
			}
		}
		first += len(c.Work.places)
	}
	return all, nil
}
