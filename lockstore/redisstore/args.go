package redisstore

import (
	"slices"
	"time"

	"seatlock/lockstore"
)

// A field is what a script needs to know of each call besides its seats.
type field func(*work) any

func countOf(w *work) any     { return len(w.at) }
func notAfterOf(w *work) any  { return millis(w.op.NotAfter) }
func refOf(w *work) any       { return string(w.op.Ref) }
func byOf(w *work) any        { return w.op.By }
func userOf(w *work) any      { return string(w.op.User) }
func blockedOf(w *work) any   { return w.op.Blocked }
func notBeforeOf(w *work) any { return millis(w.op.NotBefore) }
func untilOf(w *work) any     { return w.op.Until.UnixMilli() }

func capOf(w *work) any { return w.ev.LongestLock(&w.op).Milliseconds() }

// A form says what batch.lua needs for calls of one kind.
type form struct {
	fields  []field
	plain   func(*lockstore.Op) bool // reports whether a call needs no field but the first; nil if all need all
	owners  bool                     // the user keys are of the seats' owners, not of the calls' users
	journal bool                     // the journal's key is among the keys
}

var forms = [...]form{
	lockstore.KindLock:    {fields: []field{countOf, notAfterOf}, plain: isUnbounded},
	lockstore.KindRelease: {fields: []field{countOf, notAfterOf}, plain: isUnbounded},
	lockstore.KindConfirm: {fields: commonFields(), plain: isPlain, journal: true},
	lockstore.KindExtend:  {fields: commonFields(untilOf, capOf), journal: true},
	lockstore.KindBook:    {fields: commonFields(blockedOf), journal: true},
	lockstore.KindCancel:  {fields: commonFields(userOf, notBeforeOf), owners: true, journal: true},
	lockstore.KindMove:    {fields: commonFields(userOf), owners: true, journal: true},
	lockstore.KindBlock:   {fields: commonFields(blockedOf), owners: true, journal: true},
	lockstore.KindUnblock: {fields: commonFields(), owners: true, journal: true},
	lockstore.KindEvict:   {fields: commonFields(userOf), owners: true, journal: true},
}

func commonFields(more ...field) []field {
	return append([]field{countOf, notAfterOf, refOf, byOf}, more...)
}

func isUnbounded(op *lockstore.Op) bool { return op.NotAfter.IsZero() }

func isPlain(op *lockstore.Op) bool { return op.NotAfter.IsZero() && op.Ref == "" && op.By == "" }

// fieldsOf returns the fields that the calls of the group need. Those that are left out
// are the last ones.
func (g *group) fieldsOf(seats int) []field {
	f := &forms[g.kind]
	switch {
	case f.plain == nil || slices.ContainsFunc(g.calls, func(c *call) bool { return !f.plain(&c.Work.op) }):
		return f.fields
	case seats > len(g.calls):
		return f.fields[:1]
	}
	return nil
}

// lockTime returns how long the locks of the group last.
func (g *group) lockTime() time.Duration {
	if g.lasts != 0 {
		return g.lasts
	}
	return g.ev.LockTTL
}

// args renders the group in the form that batch.lua takes.
func (g *group) args(whole, touch bool, id *nonce) []any {
	seats := 0
	for _, c := range g.calls {
		seats += len(c.Work.at)
	}
	n := len(g.calls)
	fields := g.fieldsOf(seats)
	args := slices.Grow(scripts[g.kind].command(whole), 1+2*seats+n+4+7+seats+n*len(fields))
	args = append(args, nil) // the number of keys
	before := len(args)
	args = append(args, mapKey(g.ev))
	prefix := seatKey(g.ev, "")
	for _, c := range g.calls {
		for _, p := range c.Work.at {
			args = append(args, prefix+string(g.ev.Seats[p]))
		}
	}
	args = g.appendUsers(args)
	if forms[g.kind].journal {
		args = append(args, journalKey(g.ev))
	}
	args = append(args, viewKey(g.ev), logKey(g.ev))
	args[before-1] = len(args) - before

	args = append(args, mapText(g.ev), id, touch, n, seats, g.lockTime().Milliseconds(), g.ev.SeatLimit)
	for _, c := range g.calls {
		for _, p := range c.Work.at {
			args = append(args, p*recordLen)
		}
	}
	for _, of := range fields {
		for _, c := range g.calls {
			args = append(args, of(&c.Work))
		}
	}
	return args
}

// appendUsers appends the keys of users.
func (g *group) appendUsers(args []any) []any {
	prefix := userKey(g.ev, "")
	for _, c := range g.calls {
		if !forms[g.kind].owners {
			args = append(args, prefix+string(c.Work.op.User))
			continue
		}
		for i := range c.Work.at {
			owner := c.Work.op.User
			if owner == "" && i < len(c.Work.owners) {
				owner = c.Work.owners[i]
			}
			if owner == "" {
				args = append(args, mapKey(g.ev))
			} else {
				args = append(args, prefix+string(owner))
			}
		}
	}
	return args
}
