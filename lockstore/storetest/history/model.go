package history

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"seatlock/lockstore"
)

// A judge knows one history and steps through it.
type judge struct {
	*History
	users    map[lockstore.UserID]byte // from 1 on
	versions map[lockstore.Version]int // those that somebody asks about
	position map[lockstore.SeatID]int  // of the event
	seed     maphash.Seed
}

func newJudge(h *History) (*judge, error) {
	j := &judge{h, make(map[lockstore.UserID]byte), make(map[lockstore.Version]int), make(map[lockstore.SeatID]int), maphash.MakeSeed()}
	if n := len(h.Event.Seats); n > maxSeats {
		return nil, fmt.Errorf("history: event %s has %d seats; a history is checked for up to %d", h.Event.ID, n, maxSeats)
	}
	for i, seat := range h.Event.Seats {
		j.position[seat] = i
	}
	for _, op := range h.Calls {
		if _, ok := j.users[op.User]; op.User != "" && !ok {
			j.users[op.User] = byte(len(j.users) + 1)
		}
		if _, ok := j.versions[op.Since]; op.Since != "" && !ok {
			j.versions[op.Since] = len(j.versions)
		}
	}
	if n := len(j.users); n >= maxUsers {
		return nil, fmt.Errorf("history: %d users; a history is checked for up to %d", n, maxUsers-1)
	}
	return j, nil
}

// model is the contract in the form that the checker takes.
func (j *judge) model() porcupine.Model {
	return (&porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{changed: strings.Repeat("\x00", len(j.versions))}} },
		Step: func(st, in, _ any) []any {
			var next []any
			for _, s := range j.step(st.(state), in.(*Call)) {
				next = append(next, s)
			}
			return next
		},
		Hash:              func(st any) uint64 { return maphash.Comparable(j.seed, st.(state)) },
		DescribeOperation: func(in, _ any) string { return describe(in.(*Call)) },
		DescribeState:     func(st any) string { return j.show(st.(state)) },
	}).ToModel()
}

// step returns every state after a call that got its answer; none if it
// cannot have.
func (j *judge) step(s state, op *Call) []state {
	window := span{op.Called.UnixNano(), op.Returned.UnixNano()}
	if op.End == Never {
		window.max = endOfTime
	}
	s.age(window.min, j.Slack)
	switch op.Outcome {
	case Nothing:
		return []state{s}
	case Foreign:
		if op.OtherSeats {
			return []state{s}
		}
		return nil
	case Failed:
		return nil
	case Unknown:
		if op.OtherSeats || op.Method == List || op.Method == Wait {
			return []state{s}
		}
		// Refused or done: what it would have answered does not matter.
		next := []state{s}
		for _, r := range s.resolve(j.concerns(&s, op), window) {
			if a := j.act(&r, op, window); a.reason == "" {
				next = append(next, r)
			}
		}
		return next
	}
	if op.OtherSeats {
		return nil
	}
	if op.Method == Wait {
		return j.wait(s, op)
	}
	var next []state
	for _, r := range s.resolve(j.concerns(&s, op), window) {
		if op.Method == List {
			if j.lists(&r, op) {
				next = append(next, r)
			}
			continue
		}
		a := j.act(&r, op, window)
		if op.Outcome == Done && a.reason == "" && j.done(&r, op, a) ||
			op.Outcome == Refused && a.reason != "" && j.refused(&r, op, a) {
			next = append(next, r)
		}
	}
	return next
}

// concerns is the mask of the seats whose state decides the answer.
func (j *judge) concerns(s *state, op *Call) byte {
	mask := byte(0)
	if op.Method == List {
		return seen - 1
	}
	for _, seat := range op.Seats {
		mask |= 1 << j.position[seat]
	}
	if op.Kind == lockstore.KindLock && j.Event.SeatLimit > 0 {
		for i, c := range s.seats {
			if c.user == j.users[op.User] {
				mask |= 1 << i
			}
		}
	}
	return mask
}

// A verdict is how a call must have ended.
type verdict struct {
	reason  lockstore.Reason // "": it was done
	or      lockstore.Reason // another reason that may be given, if a lapse may just have been forgotten
	inWay   []int
	held    int
	changed byte // the mask of the seats that it changed
}

// act does the call to a state in which it is known which locks live.
func (j *judge) act(s *state, op *Call, window span) verdict {
	user := j.users[op.User]
	switch op.Kind {
	case lockstore.KindLock:
		return j.lock(s, op.Seats, user, window)
	case lockstore.KindConfirm:
		return j.confirm(s, op.Seats, user, window)
	}
	return j.release(s, op.Seats, user)
}

func (j *judge) lock(s *state, seats []lockstore.SeatID, user byte, window span) verdict {
	v := verdict{}
	fresh, n := byte(0), 0
	for _, seat := range seats {
		i := j.position[seat]
		switch c := s.seats[i]; {
		case c.status == booked:
			v.reason, v.inWay = lockstore.SeatBooked, append(v.inWay, i)
		case c.status == locked && c.user != user:
			v.inWay = append(v.inWay, i)
			if v.reason == "" {
				v.reason = lockstore.SeatLocked
			}
		case c.status == free:
			fresh |= 1 << i
			n++
		}
	}
	if v.reason != "" {
		return v
	}
	for _, c := range s.seats {
		if c.user == user {
			v.held++
		}
	}
	if limit := j.Event.SeatLimit; limit > 0 && n > 0 && v.held+n > limit {
		v.reason = lockstore.OverSeatLimit
		return v
	}
	ends := span{window.min + int64(j.Event.LockTTL-j.Slack), endOfTime}
	if window.max < endOfTime {
		ends.max = window.max + int64(j.Event.LockTTL+j.Slack)
	}
	for i := range s.seats {
		if fresh&(1<<i) != 0 {
			s.seats[i] = cell{locked, user, ends}
			s.lapsed[i][user] = span{}
		}
	}
	s.change(fresh)
	v.changed = fresh
	return v
}

func (j *judge) confirm(s *state, seats []lockstore.SeatID, user byte, window span) verdict {
	var v verdict
	fresh := byte(0)
	forgotten, maybeForgotten := false, false
	for _, seat := range seats {
		i := j.position[seat]
		c := s.seats[i]
		if c.user == user {
			if c.status == locked {
				fresh |= 1 << i
			}
			continue
		}
		v.inWay = append(v.inWay, i)
		lapse := s.lapsed[i][user]
		if lapse == (span{}) || window.min > lapse.max+int64(lockstore.LapseMemory+j.Slack) {
			forgotten = true
		} else if window.max >= lapse.min+int64(lockstore.LapseMemory-j.Slack) {
			maybeForgotten = true
		}
	}
	switch {
	case len(v.inWay) == 0:
		for i := range s.seats {
			if fresh&(1<<i) != 0 {
				s.seats[i] = cell{booked, user, span{}}
			}
		}
		s.change(fresh)
		v.changed = fresh
	case forgotten:
		v.reason = lockstore.LockNotHeld
	case maybeForgotten:
		v.reason, v.or = lockstore.LockExpired, lockstore.LockNotHeld
	default:
		v.reason = lockstore.LockExpired
	}
	return v
}

func (j *judge) release(s *state, seats []lockstore.SeatID, user byte) verdict {
	var v verdict
	given := byte(0)
	for _, seat := range seats {
		i := j.position[seat]
		switch c := s.seats[i]; {
		case c.user != user:
		case c.status == booked:
			v.reason, v.inWay = lockstore.SeatBooked, append(v.inWay, i)
		default:
			given |= 1 << i
		}
	}
	if v.reason != "" {
		return v
	}
	for i := range s.seats {
		if given&(1<<i) != 0 {
			s.seats[i] = cell{}
		}
	}
	s.change(given)
	v.changed = given
	return v
}

// describe is a call in a picture of the history.
func describe(op *Call) string {
	var b strings.Builder
	b.WriteString(op.Name())
	if op.User != "" {
		fmt.Fprintf(&b, " %s %v", op.User, op.Seats)
	}
	if op.Since != "" {
		fmt.Fprintf(&b, " since %s", op.Since)
	}
	if op.OtherSeats {
		b.WriteString(" of another seat map")
	}
	b.WriteString(" → ")
	switch {
	case op.Err != "":
		fmt.Fprintf(&b, "%s: %s", op.Outcome, op.Err)
	case op.Snapshot != nil:
		fmt.Fprintf(&b, "%s full:%v", op.Snapshot.Version, op.Snapshot.Full)
		for _, seat := range op.Snapshot.Seats {
			fmt.Fprintf(&b, " %d %s", seat.Position, seat.Status)
			if seat.Status == lockstore.Locked {
				b.WriteString(clock(time.UnixMilli(seat.Expires)))
			}
		}
	default:
		fmt.Fprintf(&b, "%s%s", op.Outcome, clock(op.Expires))
	}
	fmt.Fprintf(&b, " [%s to %s]", op.Called.UTC().Format(millis), op.Returned.UTC().Format(millis))
	return b.String()
}

const millis = "15:04:05.000"

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + t.UTC().Format(millis)
}

// show is a state in a picture of the history.
func (j *judge) show(s state) string {
	names := make([]string, maxUsers)
	for user, i := range j.users {
		names[i] = string(user)
	}
	var parts []string
	for i, seat := range j.Event.Seats {
		switch c := s.seats[i]; c.status {
		case locked:
			parts = append(parts, fmt.Sprintf("%s locked by %s%s to %s", seat, names[c.user],
				clock(time.Unix(0, c.min)), time.Unix(0, c.max).UTC().Format(millis)))
		case booked:
			parts = append(parts, fmt.Sprintf("%s booked by %s", seat, names[c.user]))
		}
	}
	return strings.Join(slices.Clip(parts), ", ")
}
