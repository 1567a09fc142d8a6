package redisstore

import (
	"fmt"
	"slices"
	"time"

	"seatlock/lockstore"
)

// A field is what a script needs to know of each call besides its seats. If all calls
// have the usual value, it is left out.
type field struct {
	of    func(*work) any
	usual any
}

var (
	countField     = field{func(w *work) any { return len(w.at) }, 1}
	notAfterField  = field{func(w *work) any { return millis(w.op.NotAfter) }, ""}
	refField       = field{func(w *work) any { return string(w.op.Ref) }, ""}
	byField        = field{func(w *work) any { return w.op.By }, ""}
	userField      = field{func(w *work) any { return string(w.op.User) }, ""}
	blockedField   = field{func(w *work) any { return w.op.Blocked }, false}
	notBeforeField = field{func(w *work) any { return millis(w.op.NotBefore) }, ""}
	untilField     = field{func(w *work) any { return padded(w.wantedEnd()) }, nil}
	fromField      = field{func(w *work) any { return padded(w.wantedEnd() - w.ev.LongestLock(&w.op).Milliseconds()) }, nil}
)

// wantedEnd returns the end that an extension asks for, at most the last one that does not
// stand for a blocked or a booked seat.
func (w *work) wantedEnd() int64 { return max(0, min(w.op.Until.UnixMilli(), blockedUntil-1)) }

// padded returns a time with as many digits as extend.lua compares.
func padded(millis int64) string { return fmt.Sprintf("%0*d", stampLen, max(0, millis)) }

// A form says what batch.lua needs for calls of one kind.
type form struct {
	fields  []field
	owners  bool // the user keys are of the seats' owners, not of the calls' users
	journal bool // the journal's key is among the keys
}

var forms = [...]form{
	lockstore.KindLock:    {fields: []field{countField, notAfterField}},
	lockstore.KindRelease: {fields: []field{countField, notAfterField}},
	lockstore.KindConfirm: {fields: commonFields(), journal: true},
	lockstore.KindExtend:  {fields: commonFields(untilField, fromField), journal: true},
	lockstore.KindBook:    {fields: commonFields(blockedField), journal: true},
	lockstore.KindCancel:  {fields: commonFields(userField, notBeforeField), owners: true, journal: true},
	lockstore.KindMove:    {fields: commonFields(userField), owners: true, journal: true},
	lockstore.KindBlock:   {fields: commonFields(blockedField), owners: true, journal: true},
	lockstore.KindUnblock: {fields: commonFields(), owners: true, journal: true},
	lockstore.KindEvict:   {fields: commonFields(userField), owners: true, journal: true},
}

func commonFields(more ...field) []field {
	return append([]field{countField, notAfterField, refField, byField}, more...)
}

// appendFields appends the fields that the calls of the group need, and returns for
// each 1 if it did.
func (g *group) appendFields(args []any) (_ []any, given string) {
	marks := make([]byte, 0, 8)
	for _, f := range forms[g.kind].fields {
		before, mark := len(args), byte('0')
		for _, c := range g.calls {
			v := f.of(&c.Work)
			if v != f.usual {
				mark = '1'
			}
			args = append(args, v)
		}
		if mark == '0' {
			args = args[:before]
		}
		marks = append(marks, mark)
	}
	return args, string(marks)
}

// overlap reports whether several calls of the group name the same seat or user.
func (g *group) overlap() bool {
	if len(g.calls) == 1 {
		return false
	}
	seats, users := make(map[int]bool, len(g.calls)), make(map[lockstore.UserID]bool, len(g.calls))
	for _, c := range g.calls {
		if users[c.Work.op.User] {
			return true
		}
		users[c.Work.op.User] = true
		for _, p := range c.Work.at {
			if seats[p] {
				return true
			}
			seats[p] = true
		}
	}
	return false
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
	args := slices.Grow(scripts[g.kind].command(whole), 1+2*seats+n+4+9+seats+n*len(forms[g.kind].fields))
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

	args = append(args, mapText(g.ev), id, touch, n, seats, g.lockTime().Milliseconds(), g.ev.SeatLimit, g.overlap(), nil)
	marks := len(args) - 1
	for _, c := range g.calls {
		for _, p := range c.Work.at {
			args = append(args, p*recordLen)
		}
	}
	args, given := g.appendFields(args)
	args[marks] = given
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
