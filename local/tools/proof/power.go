package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/powerloss"
)

// sellCommand runs this program as a seller of the seats in a file, as a process of its
// own that can be recorded and killed.
const sellCommand = "sell"

const (
	powerSeats  = 20_000
	powerBuyers = 16
)

// powerEvent returns the event that is sold.
func powerEvent() (*lockstore.Event, error) {
	seats := make([]lockstore.SeatID, powerSeats)
	for i := range seats {
		seats[i] = lockstore.SeatID("S" + strconv.Itoa(i))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return nil, err
	}
	return lockstore.NewEvent("power", layout, time.Hour, 0)
}

// sellFile sells pairs of seats until it is killed, and writes the position of each pair
// once it is booked. It first confirms the existing bookings again.
func sellFile(ctx context.Context, file string, stdout io.Writer) error {
	store, err := boltstore.Open(file)
	if err != nil {
		return err
	}
	ev, err := powerEvent()
	if err != nil {
		return err
	}
	list, err := store.List(ctx, ev, "")
	if err != nil {
		return err
	}
	taken := make(map[int]lockstore.Status)
	for _, seat := range list.Seats {
		taken[int(seat.Position)] = seat.Status
	}
	fmt.Fprintln(stdout, "open")
	book := func(at int, ops ...func(lockstore.UserID, ...lockstore.SeatID) lockstore.Op) error {
		for _, op := range ops {
			if _, err := store.Do(ctx, ev, op(user(at), ev.Seats[at:at+2]...)); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(stdout, at)
		return err
	}
	for at := 0; at < powerSeats; at += 2 {
		if taken[at] == lockstore.Booked {
			err = errors.Join(err, book(at, lockstore.Confirm))
		}
	}
	errs := make([]error, powerBuyers)
	var all sync.WaitGroup
	for b := range powerBuyers {
		all.Go(func() {
			for at := 2 * b; at < powerSeats && errs[b] == nil; at += 2 * powerBuyers {
				if _, taken := taken[at]; !taken {
					errs[b] = book(at, lockstore.Lock, lockstore.Confirm)
				}
			}
		})
	}
	all.Wait()
	return errors.Join(err, errors.Join(errs...), store.Close())
}

// user returns the buyer of the seat at a position.
func user(at int) lockstore.UserID { return lockstore.UserID("user" + strconv.Itoa(at/2%powerBuyers)) }

// recordTries is how often sellers are recorded until strace has garbled no call.
const recordTries = 3

// powerLost records sellers that are killed one after the other, and opens the file in
// states that a disk might have if the power failed at any moment: with everything that
// was synced and any part of the rest. Each such file counts as a fault.
func powerLost(ctx context.Context, t *trial) (tally, error) {
	const recordings, runs, losses = 5, 4, 100
	counted := tally{unjudged: true}
	for range t.times(recordings) {
		recording, err := recordSellers(ctx, t, runs)
		for try := 1; try < recordTries && errors.Is(err, powerloss.ErrCall); try++ {
			fmt.Fprintf(t.progress, "   recorded anew: %.200v\n", err)
			recording, err = recordSellers(ctx, t, runs)
		}
		if err != nil {
			return counted, err
		}
		said := recording.Said()
		counted.calls += len(said)
		for i := range t.times(losses) {
			at := rand.IntN(recording.Len())
			if i%2 == 1 {
				at = said[rand.IntN(len(said))].At
			}
			if err := failPower(ctx, t, recording, at, &counted); err != nil {
				return counted, err
			}
		}
	}
	return counted, nil
}

// recordSellers records sellers that are killed.
func recordSellers(ctx context.Context, t *trial, runs int) (*powerloss.Recording, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	folder, err := t.Folder()
	if err != nil {
		return nil, err
	}
	logs, err := t.Folder()
	if err != nil {
		return nil, err
	}
	recording, err := powerloss.New(folder)
	if err != nil {
		return nil, err
	}
	for run := range runs {
		log := filepath.Join(logs, strconv.Itoa(run))
		cmd := powerloss.Command(ctx, log, self, sellCommand, filepath.Join(folder, "seats"))
		out := new(faults.Log)
		seller, err := faults.StartProcess(out, nil, cmd.Path, cmd.Args[1:]...)
		if err != nil {
			return nil, err
		}
		err = sellsSoon(ctx, seller, out)
		if err == nil {
			err = sleep(ctx, 100*time.Millisecond+rand.N(400*time.Millisecond))
		}
		seller.Kill()
		if err == nil {
			err = recording.Add(log)
		}
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, out)
		}
	}
	return recording, nil
}

// sellsSoon waits until a seller has opened its file.
func sellsSoon(ctx context.Context, seller *faults.Process, out *faults.Log) error {
	for began := time.Now(); !strings.Contains(out.String(), "open"); {
		select {
		case <-seller.Ended():
			return errors.New("the seller ended")
		default:
		}
		if time.Since(began) > startTime {
			return errors.New("the seller does not open its file")
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// failPower opens the file as it might be if the power failed at a moment, and counts the
// missing ones of the bookings that the sellers wrote before that.
func failPower(ctx context.Context, t *trial, recording *powerloss.Recording, at int, counted *tally) error {
	counted.faults++
	folder, err := t.Folder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	image := recording.Image(at, false, rand.New(rand.NewPCG(rand.Uint64(), 0)))
	if err := image.Write(folder); err != nil {
		return err
	}
	sold := make(map[int]bool)
	for line := range strings.Lines(string(image.Said)) {
		if at, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			sold[at] = true
		}
	}
	lost := func(seats int, words string) {
		counted.losses.Lost += seats
		counted.losses.Words = append(counted.losses.Words, fmt.Sprintf("the power failed at %d of %d: %s", at, recording.Len(), words))
	}
	counted.losses.Bookings += 2 * len(sold)
	store, err := boltstore.Open(filepath.Join(folder, "seats"))
	if err != nil {
		counted.torn++
		lost(2*len(sold), err.Error())
		return nil
	}
	defer store.Close()
	ev, err := powerEvent()
	if err != nil {
		return err
	}
	list, err := store.List(ctx, ev, "")
	if err != nil {
		return err
	}
	status := make([]lockstore.Status, powerSeats)
	for _, seat := range list.Seats {
		status[seat.Position] = seat.Status
	}
	for at := 0; at < powerSeats; at += 2 {
		if status[at] != status[at+1] {
			counted.torn++
		}
		if sold[at] && (status[at] != lockstore.Booked || status[at+1] != lockstore.Booked) {
			lost(2, fmt.Sprintf("%s is %v", ev.Seats[at], status[at]))
		}
	}
	return nil
}
