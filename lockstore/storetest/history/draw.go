package history

import (
	"cmp"
	"slices"
	"time"

	"seatlock/lockstore"
)

// named is a By that each call replaces by its own.
const named = "?"

// refs are the references of a history. The first is none, and the others differ only
// in case.
var refs = []lockstore.Ref{"", "r1", "R1"}

// Longest returns how long after the last call the locks of a plan may last.
func (p *Plan) Longest() time.Duration {
	if p.Remote {
		return p.TTL
	}
	return 2 * p.TTL
}

// operation returns a random operation of the kind.
func (c *Client) operation(kind lockstore.Kind, which int) lockstore.Op {
	op := lockstore.Op{Kind: kind, User: c.user(), Seats: c.some()}
	last := c.had[which]
	if kind == lockstore.KindCancel || kind == lockstore.KindMove || kind == lockstore.KindBook {
		last = c.sold[which]
	}
	if last.Seats != nil && (c.rnd.IntN(3) > 0 || kind == lockstore.KindExtend || kind == lockstore.KindMove) {
		op.User = cmp.Or(last.User, op.User)
		if kind != lockstore.KindLock {
			op.Seats, op.Ref = last.Seats, last.Ref
		}
		if !c.Remote && c.rnd.IntN(2) == 0 {
			op.Seats = op.Seats[:1]
		}
	}
	if c.Remote {
		return op
	}
	op.By = named
	c.vary(&op)
	if c.rnd.IntN(6) == 0 {
		op.NotAfter = c.near()
	}
	return op
}

// vary draws what is special to the operation's kind.
func (c *Client) vary(op *lockstore.Op) {
	if op.Ref == "" || op.Kind != lockstore.KindMove && c.rnd.IntN(4) == 0 {
		op.Ref = refs[c.rnd.IntN(len(refs))]
	}
	anybody := c.rnd.IntN(3) == 0
	switch op.Kind {
	case lockstore.KindLock:
		op.Ref = ""
		if c.rnd.IntN(4) == 0 {
			op.For = c.span()
		}
	case lockstore.KindRelease:
		op.Ref = ""
	case lockstore.KindExtend:
		op.Ref = ""
		op.Until = now().Add(c.span())
		if c.rnd.IntN(3) == 0 {
			op.Cap = c.span()
		}
		if c.rnd.IntN(2) == 0 {
			op.By = ""
		}
	case lockstore.KindBook:
		op.Blocked = c.rnd.IntN(3) == 0
	case lockstore.KindCancel, lockstore.KindMove:
		if op.Ref != "" && anybody {
			op.User = ""
		}
		if op.Kind == lockstore.KindMove {
			op.Seats, op.To = c.apart(op.Seats)
		} else if c.rnd.IntN(4) == 0 {
			op.NotBefore = c.near()
		}
	case lockstore.KindBlock:
		op.User, op.Blocked = "", c.rnd.IntN(2) == 0
	case lockstore.KindUnblock:
		op.User, op.Ref = "", ""
	case lockstore.KindEvict:
		op.Ref = ""
		if anybody {
			op.User = ""
		}
	}
}

// now returns the time in whole milliseconds.
func now() time.Time { return time.Now().Truncate(time.Millisecond) }

// span returns some whole milliseconds, at most twice the time of a lock.
func (c *Client) span() time.Duration {
	return time.Duration(1+c.rnd.Int64N((2*c.TTL).Milliseconds())) * time.Millisecond
}

// near returns a time in the recent past, or one that is about to come.
func (c *Client) near() time.Time {
	return now().Add(time.Duration(c.rnd.IntN(8)-3) * time.Millisecond)
}

// apart returns one or two of the seats and as many others.
func (c *Client) apart(seats []lockstore.SeatID) (from, to []lockstore.SeatID) {
	all := c.records[0].Event.Seats
	from = seats[:min(len(seats), 1+c.rnd.IntN(4)/3, len(all)/2)]
	for _, i := range c.rnd.Perm(len(all)) {
		if len(to) < len(from) && !slices.Contains(from, all[i]) {
			to = append(to, all[i])
		}
	}
	return from, to
}

// filter returns a filter for a roster: of all, of a user, or of some seats.
func (c *Client) filter() lockstore.Filter {
	switch c.rnd.IntN(3) {
	case 0:
		return lockstore.Filter{User: c.user()}
	case 1:
		return lockstore.Filter{Seats: c.some()}
	}
	return lockstore.Filter{}
}
