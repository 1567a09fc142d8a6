package storetest

import (
	"context"
	"iter"
	"slices"
	"time"

	"seatlock/lockstore"
)

// journalSubjects are faults of journals, rosters and new layouts.
var journalSubjects = map[string]subject{
	"cancel_is_lost_from_journal": {with(entersAllBut(lockstore.KindCancel)), []string{"22_journal_has_each", "22_journal_under_race", "00_"}},
	"journal_is_out_of_order":     {with(entersLate), []string{"22_journal_has_each", "22_journal_under_race", "00_"}},
	"journal_has_bookings_twice":  {with(entersTwice), []string{"22_journal_has_each", "22_journal_under_race", "00_"}},
	"journal_names_all_seats":     {with(entersAllSeats), []string{"22_journal_has_what_changed", "00_"}},
	"journal_has_repeats":         {with(entersRepeats), []string{"22_journal_has_nothing_else", "00_"}},
	"journal_page_lacks_an_entry": {with(pageLacksEntry), []string{"22_journal_in_pages"}},
	"journal_shows_entries_late":  {with(showsEntriesLate), []string{"22_journal_has_each", "00_"}},
	"journal_has_no_reference":    {with(entersWithoutRef), []string{"22_journal_has_each", "00_"}},
	"entry_shares_its_slice":      {with(entrySharesSlice), []string{"16_slices_of_entries"}},
	"roster_misses_a_seat":        {with(rosterByIndex), []string{"23_roster_misses"}},
	"roster_lags":                 {with(rosterLags), []string{"23_roster_of_a_user", "00_"}},
	"roster_has_no_references":    {with(rosterWithoutRefs), []string{"23_roster_shows", "00_"}},
	"roster_of_a_user_has_all":    {with(rosterIgnoresUser), []string{"23_roster_of_a_user", "00_"}},
	"roster_has_old_ends":         {with(rosterHasOldEnds), []string{"23_roster_has_times"}},
	"revision_shifts_bookings":    {with(revisionShifts), []string{"24_revision_replaces", "24_revision_of_another_order"}},
	"revision_loses_bookings":     {with(revisionLoses), []string{"24_revision_lacks"}},
	"revision_forgets_references": {with(revisionForgetsRefs), []string{"24_revision_replaces"}},
	"revision_keeps_versions":     {with(revisionKeepsVersions), []string{"24_revision_replaces"}},
	"old_layout_goes_on":          {with(anyRevision), []string{"24_revision_replaces", "24_revision_of_another_order"}},
	"layout_is_fixed_by_a_look":   {with(fixedByLook), []string{"24_layout_is_open"}},
	"layout_is_fixed_by_locks":    {with(fixedByTaken), []string{"24_layout_is_fixed"}},
	"blocked_seat_may_not_vanish": {with(blocksCount), []string{"24_revision_forgets"}},
}

func entersAllBut(kind lockstore.Kind) func(*broken) {
	return func(b *broken) {
		b.enter = func(o *operation, result lockstore.Result) {
			if o.op.Kind != kind {
				o.journal.Add(&o.op, &result)
			}
		}
	}
}

// entersLate puts the entry of each confirm and booking after the one that follows.
func entersLate(b *broken) {
	type late struct {
		op     lockstore.Op
		result lockstore.Result
	}
	waiting := make(map[*event]*late)
	b.enter = func(o *operation, result lockstore.Result) {
		before := waiting[o.event]
		delete(waiting, o.event)
		if o.op.Kind == lockstore.KindConfirm || o.op.Kind == lockstore.KindBook {
			waiting[o.event] = &late{o.op, result}
		} else {
			o.journal.Add(&o.op, &result)
		}
		if before != nil {
			o.journal.Add(&before.op, &before.result)
		}
	}
}

func entersTwice(b *broken) {
	b.enter = func(o *operation, result lockstore.Result) {
		o.journal.Add(&o.op, &result)
		if o.op.Kind == lockstore.KindBook {
			o.journal.Add(&o.op, &result)
		}
	}
}

func entersAllSeats(b *broken) {
	b.enter = func(o *operation, result lockstore.Result) {
		result.Changed = slices.Concat(o.op.Seats, o.op.To)
		o.journal.Add(&o.op, &result)
	}
}

func entersRepeats(b *broken) {
	b.after = func(o *operation, result *lockstore.Result, err error) {
		if err == nil && len(result.Changed) == 0 {
			again := *result
			again.Changed = slices.Concat(o.op.Seats, o.op.To)
			o.journal.Add(&o.op, &again)
		}
	}
}

func pageLacksEntry(b *broken) {
	b.read = func(_ *event, page []lockstore.Entry) []lockstore.Entry {
		if len(page) == 7 {
			page = slices.Delete(page, 3, 4)
		}
		return page
	}
}

// showsEntriesLate shows the entry of a booking only after its millisecond, and those
// after it at once: a reader that continues from those misses it.
func showsEntriesLate(b *broken) {
	b.read = func(_ *event, page []lockstore.Entry) []lockstore.Entry {
		return slices.DeleteFunc(page, func(e lockstore.Entry) bool {
			return e.Kind == lockstore.KindBook && e.Time.UnixMilli() == now()
		})
	}
}

func entersWithoutRef(b *broken) {
	b.enter = func(o *operation, result lockstore.Result) {
		op := o.op
		op.Ref = ""
		o.journal.Add(&op, &result)
	}
}

// entrySharesSlice returns the same slice of seats for an entry each time.
func entrySharesSlice(b *broken) {
	shared := make(map[string][]lockstore.SeatID)
	b.read = func(_ *event, page []lockstore.Entry) []lockstore.Entry {
		for i, e := range page {
			if shared[e.ID] == nil {
				shared[e.ID] = e.Seats
			}
			page[i].Seats = shared[e.ID]
		}
		return page
	}
}

// rosterByIndex reads the taken seats in pages and remembers how many it has read, not
// which one was the last.
func rosterByIndex(b *broken) {
	const page = 2
	b.roster = func(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
		seq, all := b.base.Roster(ctx, ev, f)
		if seq == "" || f.User != "" || f.Seats != nil {
			return seq, all
		}
		return seq, func(yield func(lockstore.Holding, error) bool) {
			for from := 0; ; from += page {
				_, all := b.base.Roster(ctx, ev, f)
				n := 0
				for h, err := range all {
					if n++; n > from && n <= from+page && !yield(h, err) {
						return
					}
				}
				if n <= from+page {
					return
				}
				if from%(100*page) == 0 {
					time.Sleep(time.Microsecond)
				}
			}
		}
	}
}

// rosterLags keeps a roster for a millisecond, as a cache does.
func rosterLags(b *broken) {
	kept := make(map[*event][]lockstore.Holding)
	at := make(map[*event]int64)
	b.page = func(e *event, page []lockstore.Holding) []lockstore.Holding {
		if at[e] != now() {
			at[e], kept[e] = now(), page
		}
		return kept[e]
	}
}

func rosterWithoutRefs(b *broken) {
	b.page = func(_ *event, page []lockstore.Holding) []lockstore.Holding {
		for i := range page {
			page[i].Ref = ""
		}
		return page
	}
}

func rosterIgnoresUser(b *broken) {
	b.roster = func(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
		if f.User != "" && f.Check(ev) == nil {
			f = lockstore.Filter{}
		}
		return b.base.Roster(ctx, ev, f)
	}
}

// rosterHasOldEnds shows locks as if they had not been extended.
func rosterHasOldEnds(b *broken) {
	ends := make(map[*event]map[lockstore.SeatID]time.Time)
	b.after = func(o *operation, r *lockstore.Result, err error) {
		if err != nil || o.op.Kind != lockstore.KindLock {
			return
		}
		if ends[o.event] == nil {
			ends[o.event] = make(map[lockstore.SeatID]time.Time)
		}
		for _, seat := range r.Changed {
			p, _ := o.ev.Position(seat)
			ends[o.event][seat] = time.UnixMilli(o.state.Seat(p).Expires)
		}
	}
	b.page = func(e *event, page []lockstore.Holding) []lockstore.Holding {
		for i, h := range page {
			if h.Status == lockstore.Locked {
				page[i].Expires = ends[e][h.Seat]
			}
		}
		return page
	}
}
