package history

import (
	"context"
	"fmt"
	"math"
	"slices"

	"seatlock/lockstore"
)

// ReadJournal returns all entries of the event's journal after the Seq.
func ReadJournal(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, after lockstore.Seq) ([]lockstore.Entry, error) {
	all := []lockstore.Entry{}
	for {
		page, err := store.Journal(ctx, ev, after, lockstore.MaxEntries)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return all, nil
		}
		all, after = append(all, page...), page[len(page)-1].Seq
	}
}

// readRoster returns the event's roster.
func readRoster(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, f lockstore.Filter) ([]lockstore.Holding, error) {
	all := []lockstore.Holding{}
	_, holdings := store.Roster(ctx, ev, f)
	for h, err := range holdings {
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// ReadBooks reads h.Journal and h.Roster. No calls may be under way except those of
// unknown outcome. If one of them takes effect meanwhile, ReadBooks reads again.
func (h *History) ReadBooks(ctx context.Context, store lockstore.LockStore) error {
	for {
		var roster []lockstore.Holding
		var before, after []lockstore.Entry
		err := Repeat(ctx, func() (err error) {
			if before, err = ReadJournal(ctx, store, h.Event, ""); err != nil {
				return err
			}
			if roster, err = readRoster(ctx, store, h.Event, lockstore.Filter{}); err != nil {
				return err
			}
			after, err = ReadJournal(ctx, store, h.Event, "")
			return err
		})
		if err != nil {
			return err
		}
		if len(before) == len(after) {
			h.Journal, h.Roster = after, roster
			return nil
		}
	}
}

// Entered reports whether an operation that was done with that result has an entry in
// the journal.
func Entered(op lockstore.Op, result lockstore.Result) bool {
	if len(result.Changed) == 0 {
		return false
	}
	switch op.Kind {
	case lockstore.KindLock, lockstore.KindRelease:
		return false
	case lockstore.KindExtend:
		return op.By != ""
	}
	return true
}

// CheckJournal compares h.Journal with the calls and describes what is wrong with
// it. Each operation must have its own Op.By.
//
// Every acknowledged operation that must have an entry has exactly one, one with an
// unknown outcome has at most one, and no other has any. If an operation ended before
// another began, their entries are in that order. Each entry is possible after those
// before it, so the entries are in the order in which seats changed.
func (h *History) CheckJournal() []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	calls := make(map[string]*Call)
	for i := range h.Calls {
		if c := &h.Calls[i]; c.Method == Do && (c.Outcome == Done || c.Outcome == Unknown) && c.By != "" {
			calls[c.By] = c
		}
	}
	ids, places := make(map[string]bool), make(map[lockstore.Seq]bool)
	entered := make(map[*Call]bool)
	var order []*Call
	for i, e := range h.Journal {
		if ids[e.ID] || places[e.Seq] || e.ID == "" || e.Seq == "" || e.Seq.Check() != nil {
			say("entry %d, %s, has the id %q and the Seq %q, which are bad or another one's", i, describeEntry(e), e.ID, e.Seq)
		}
		ids[e.ID], places[e.Seq] = true, true
		c := calls[e.By]
		switch {
		case c == nil:
			say("entry %d, %s, is of no call that can have taken effect", i, describeEntry(e))
			continue
		case entered[c]:
			say("entry %d, %s, is there for the second time", i, describeEntry(e))
		case !h.isOf(e, c):
			say("entry %d, %s, is not what the call of that name did: %s %v %v, changed %v at %v", i, describeEntry(e), c.Kind, c.Seats, c.To, c.Changed, clock(c.Now))
		}
		entered[c] = true
		order = append(order, c)
	}
	for _, c := range calls {
		if c.Outcome == Done && !h.Remote && Entered(c.Op, c.Result) && !entered[c] {
			say("%s %s %v, changed %v at %v, is missing from the journal", c.By, c.Kind, c.Seats, c.Changed, clock(c.Now))
		}
	}
	wrong = append(wrong, h.checkPages(order)...)
	began := int64(math.MinInt64) // the latest Begin so far
	for _, c := range order {
		if c.End < began {
			say("%s %s %v is behind an operation that began after its end", c.By, c.Kind, c.Seats)
		}
		began = max(began, c.Begin)
	}
	return append(wrong, NewReplay().Apply(h.Journal...)...)
}

// checkPages checks the pages of the journal that were read during the calls. order has
// the call of each entry.
func (h *History) checkPages(order []*Call) (wrong []string) {
	index := map[lockstore.Seq]int{"": 0} // of the first entry after it
	for i, e := range h.Journal {
		index[e.Seq] = i + 1
	}
	for i := range h.Calls {
		read := &h.Calls[i]
		if read.Method != Journal || read.Outcome != Done {
			continue
		}
		from, ok := index[read.After]
		to := from + len(read.Entries)
		same := func(a, b lockstore.Entry) bool { return a.ID == b.ID && a.Seq == b.Seq }
		if !ok || to > len(h.Journal) || !slices.EqualFunc(read.Entries, h.Journal[from:to], same) {
			wrong = append(wrong, fmt.Sprintf("client %d: a page of the journal after %q is not what the journal has there", read.Client, read.After))
			continue
		}
		for n := to; n < len(order) && len(read.Entries) < lockstore.MaxEntries; n++ {
			if order[n].End < read.Begin {
				wrong = append(wrong, fmt.Sprintf("client %d: a page of the journal after %q lacks %s %s, which was done before", read.Client, read.After, order[n].By, order[n].Kind))
			}
		}
	}
	return wrong
}

// isOf reports whether the entry can be that of the call.
func (h *History) isOf(e lockstore.Entry, c *Call) bool {
	if e.Kind != c.Kind || e.User != c.User || e.Ref != c.Ref || e.By != c.By {
		return false
	}
	switch named := slices.Concat(e.Seats, e.To); {
	case c.Outcome == Done && !h.Remote:
		return slices.Equal(named, c.Changed) && len(e.To) == len(c.To) && e.Time.Equal(c.Now)
	case c.Kind == lockstore.KindMove:
		return slices.Equal(e.Seats, c.Seats) && slices.Equal(e.To, c.To)
	default:
		return len(e.Seats) > 0 && len(e.To) == 0 && isPart(e.Seats, c.Seats)
	}
}

// isPart reports whether the seats are some of all, in their order.
func isPart(seats, all []lockstore.SeatID) bool {
	for _, seat := range seats {
		i := slices.Index(all, seat)
		if i < 0 {
			return false
		}
		all = all[i+1:]
	}
	return true
}

func describeEntry(e lockstore.Entry) string {
	text := fmt.Sprintf("%s %v", e.Kind, e.Seats)
	if e.Kind == lockstore.KindMove {
		text += fmt.Sprintf(" to %v", e.To)
	}
	return fmt.Sprintf("%s of %q, reference %q, by %q at %s", text, e.User, e.Ref, e.By, clock(e.Time))
}
