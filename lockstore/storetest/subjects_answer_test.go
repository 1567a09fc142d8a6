package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

func deltaMissesRelease(b *broken) {
	b.listed = func(_ *event, _ lockstore.Version, snap *lockstore.Snapshot) {
		snap.Seats = slices.DeleteFunc(snap.Seats, func(s lockstore.ListedSeat) bool { return s.Status == lockstore.Available })
	}
}

func deltaOfAnyVersion(b *broken) {
	b.listed = func(_ *event, since lockstore.Version, snap *lockstore.Snapshot) { snap.Full = since == "" }
}

func listShowsExpired(b *broken) {
	b.listed = func(e *event, _ lockstore.Version, snap *lockstore.Snapshot) {
		for i, s := range snap.Seats {
			if known := e.state.Seat(int(s.Position)); s.Status == lockstore.Available && known.User != "" {
				snap.Seats[i].Status, snap.Seats[i].Expires = lockstore.Locked, known.Expires
			}
		}
	}
}

// listLags keeps a full list for a millisecond, as a cache does.
func listLags(b *broken) {
	kept := make(map[*event]lockstore.Snapshot)
	b.listed = func(e *event, since lockstore.Version, snap *lockstore.Snapshot) {
		if old, ok := kept[e]; ok && since == "" && snap.Now == old.Now {
			*snap = old
		} else if since == "" {
			kept[e] = *snap
		}
	}
}

func waitMissesConfirm(b *broken) {
	b.wait = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
		for v := since; ; {
			if err := b.base.Wait(ctx, ev, v); err != nil || since == "" {
				return err
			}
			confirmed := false
			b.look(ev, func(e *event) {
				v = e.log.Version()
				confirmed = slices.ContainsFunc(e.all(), func(p int) bool { return e.state.Seat(p).Booked })
			})
			if !confirmed {
				return nil
			}
		}
	}
}

func waitReturnsEarly(b *broken) {
	b.wait = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
		ctx, cancel := context.WithTimeout(ctx, ev.LockTTL)
		defer cancel()
		err := b.base.Wait(ctx, ev, since)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		return err
	}
}

// reportsAll reports every named seat as changed: after a Release also other
// users' seats, after a Lock or Confirm also those that the user has already.
func reportsAll(kind lockstore.Kind) func(*broken) {
	return after(func(o *operation, r *lockstore.Result) {
		if o.op.Kind == kind {
			r.Changed = o.op.Seats
		}
	})
}

var changesNotReported = after(func(_ *operation, r *lockstore.Result) { r.Changed = nil })

var changesInLayoutOrder = after(func(_ *operation, r *lockstore.Result) { r.Changed = slices.Sorted(slices.Values(r.Changed)) })

var resultWithoutTime = after(func(_ *operation, r *lockstore.Result) { r.Now = time.Time{} })

func changesInOneBuffer(b *broken) {
	var buffer []lockstore.SeatID
	after(func(_ *operation, r *lockstore.Result) {
		buffer = append(buffer[:0], r.Changed...)
		r.Changed = buffer
	})(b)
}

var nowInNanoseconds = after(func(_ *operation, r *lockstore.Result) { r.Now = time.Now() })

var expiresInNanoseconds = after(func(o *operation, r *lockstore.Result) {
	if o.op.Kind == lockstore.KindLock && len(r.Changed) == len(o.op.Seats) {
		r.Expires = time.Now().Add(o.ev.LockTTL)
	}
})

var expiresOfOtherKinds = after(func(_ *operation, r *lockstore.Result) {
	if r.Expires.IsZero() {
		r.Expires = r.Now
	}
})

// liveAtItsEnd keeps a lock for the millisecond of its end.
func liveAtItsEnd(b *broken) {
	b.before = func(o *operation) {
		o.edit(o.at, func(o *operation, s *engine.SeatState) {
			if s.User != "" && !s.Booked && s.Expires == o.now {
				s.Expires++
			}
		})
	}
}

func waitIgnoresContext(b *broken) {
	b.wait = func(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
		if ctx.Err() != nil {
			return nil
		}
		return b.base.Wait(ctx, ev, since)
	}
}
