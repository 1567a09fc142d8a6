package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// fileInterval is how often the event file is checked for changes.
const fileInterval = 2 * time.Second

// An eventFile updates the events on sale when the event file changes, and on SIGHUP. An
// event that cannot be updated continues to be sold as it was, and does not affect the
// others.
type eventFile struct {
	settings settings.Events
	store    lockstore.LockStore
	api      *booking.API
	sold     func([]lockstore.EventID)    // called with the events on sale when they have changed
	payable  func(*lockstore.Event) error // fails if locks of the event are too short to pay for; nil without payments
	log      *slog.Logger

	events []venue.Event // on sale
	seen   fs.FileInfo   // of the file when it was last read
}

// follow reads the file whenever it changes, until the context ends.
func (f *eventFile) follow(ctx context.Context) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	if f.settings.File == "" { // nothing to read, but SIGHUP must not end the program
		<-ctx.Done()
		return
	}
	every := time.NewTicker(fileInterval)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			f.read(ctx)
		case <-every.C:
			if info, err := os.Stat(f.settings.File); err == nil && !same(info, f.seen) {
				f.read(ctx)
			}
		}
	}
}

func same(a, b fs.FileInfo) bool {
	return b != nil && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}

// read applies the present contents of the file. If it cannot be read, nothing changes.
func (f *eventFile) read(ctx context.Context) {
	if info, err := os.Stat(f.settings.File); err == nil {
		f.seen = info
	}
	events, err := readEvents(f.settings)
	if err != nil {
		f.log.Error("the event file was not loaded; the events are sold as before", "error", err)
		return
	}
	before := make(map[lockstore.EventID]venue.Event)
	for _, e := range f.events {
		before[e.ID] = e
	}
	events = f.payableOf(events, before)
	for i, e := range events {
		old, known := before[e.ID]
		delete(before, e.ID)
		err := probe(ctx, f.store, e.Event)
		switch {
		case errors.Is(err, lockstore.ErrOtherSeats):
			f.log.Error("the new seat map of an event was refused; the other events were loaded", "event", e.ID, "error", err)
		case err != nil:
			f.log.Warn("the store did not answer about an event; it is sold as before, and the file is read again soon", "event", e.ID, "error", err)
			f.seen = nil
		}
		if err != nil && known {
			events[i] = old
		}
	}
	if slices.EqualFunc(f.events, events, alike) {
		return
	}
	for id, e := range before {
		f.warnOfBookings(ctx, e.Event, id)
	}
	if err := f.api.SetEvents(events); err != nil {
		f.log.Error("the event file was not loaded; the events are sold as before", "error", err)
		return
	}
	f.events = events
	f.sold(eventIDs(events))
	f.log.Info("the event file was loaded", "events", eventList(events))
}

// payableOf leaves out events whose locks are too short to pay for, with which the program
// would not start. If such an event was sold before, it is sold as it was.
func (f *eventFile) payableOf(events []venue.Event, before map[lockstore.EventID]venue.Event) []venue.Event {
	if f.payable == nil {
		return events
	}
	var all []venue.Event
	for _, e := range events {
		err := f.payable(e.Event)
		if err == nil {
			all = append(all, e)
			continue
		}
		old, known := before[e.ID]
		if known {
			all = append(all, old)
		}
		f.log.Error("an event was not loaded, because its locks are too short for a payment; the other events were", "event", e.ID, "sold as before", known, "error", err)
	}
	return all
}

// alike reports whether two events are the same in everything that callers can see.
func alike(a, b venue.Event) bool {
	return a.MaxLock == b.MaxLock && rendered(a.Render, b.Render) && (a.Layout == b.Layout || rendered(a.Layout.Render, b.Layout.Render))
}

func rendered(a, b func() ([]byte, error)) bool {
	x, errA := a()
	y, errB := b()
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

// warnOfBookings warns if an event that is no longer on sale has bookings.
func (f *eventFile) warnOfBookings(ctx context.Context, ev *lockstore.Event, id lockstore.EventID) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	_, holdings := f.store.Roster(ctx, ev, lockstore.Filter{})
	for h, err := range holdings {
		if err != nil {
			f.log.Warn("an event is no longer in the event file; could not look for its bookings", "event", id, "error", err)
			return
		}
		if h.Status == lockstore.Booked {
			f.log.Warn("an event with booked seats is no longer in the event file", "event", id)
			return
		}
	}
}

// probeTime bounds a call of the store about one event.
const probeTime = 5 * time.Second

// probe makes the event's seat map known to the store. It returns ErrOtherSeats if the
// store keeps another one.
func probe(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return store.Wait(ctx, ev, "") // it returns at once
}
