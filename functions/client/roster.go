package client

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"

	"seatlock/lockstore"
)

// Roster implements [lockstore.LockStore] with GET /bookings, which needs the token of
// an operator. It reads the whole answer before it returns.
func (c *Client) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	seq, all, err := c.Bookings(ctx, ev, f)
	return seq, func(yield func(lockstore.Holding, error) bool) {
		if err != nil {
			yield(lockstore.Holding{}, err)
			return
		}
		for i := range all {
			if !yield(all[i].Holding, nil) {
				return
			}
		}
	}
}

// A Booking is a seat of the roster: booked, locked or blocked.
type Booking struct {
	lockstore.Holding
	Contact Contact // of the order that paid for it
}

// Bookings is [Client.Roster] with the contacts of the buyers.
func (c *Client) Bookings(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, []Booking, error) {
	if err := f.Check(ev); err != nil {
		return "", nil, err
	}
	query := url.Values{"eventId": {string(ev.ID)}}
	if f.User != "" {
		query.Set("userId", string(f.User))
	}
	for _, seat := range f.Seats {
		query.Add("seatId", string(seat))
	}
	var answer struct {
		After lockstore.Seq `json:"after"`
		Seats []struct {
			seat
			Contact
			UserID    lockstore.UserID `json:"userId"`
			Reference lockstore.Ref    `json:"reference"`
			Reason    lockstore.Ref    `json:"reason"`
			Since     time.Time        `json:"since"`
		} `json:"seats"`
	}
	if err := c.get(ctx, "bookings?"+query.Encode(), &answer); err != nil {
		return "", nil, err
	}
	all := make([]Booking, 0, len(answer.Seats))
	for i := range answer.Seats {
		s := &answer.Seats[i]
		all = append(all, Booking{
			lockstore.Holding{Seat: s.SeatID, Status: s.Status, User: s.UserID, Ref: s.Reference + s.Reason, Since: s.Since, Expires: s.ExpiresAt},
			s.Contact,
		})
	}
	return answer.After, all, nil
}

// Journal implements [lockstore.LockStore] with GET /journal, which needs the token of
// an operator.
func (c *Client) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	query := url.Values{"eventId": {string(ev.ID)}, "limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", string(after))
	}
	var answer struct {
		Entries []struct {
			ID        string             `json:"id"`
			Seq       lockstore.Seq      `json:"seq"`
			Time      time.Time          `json:"time"`
			Kind      string             `json:"kind"`
			SeatIDs   []lockstore.SeatID `json:"seatIds"`
			ToSeatIDs []lockstore.SeatID `json:"toSeatIds"`
			UserID    lockstore.UserID   `json:"userId"`
			Reference lockstore.Ref      `json:"reference"`
			Reason    lockstore.Ref      `json:"reason"`
			By        string             `json:"by"`
		} `json:"entries"`
	}
	if err := c.get(ctx, "journal?"+query.Encode(), &answer); err != nil {
		return nil, err
	}
	entries := make([]lockstore.Entry, 0, len(answer.Entries))
	for i := range answer.Entries {
		e := &answer.Entries[i]
		kind, ok := kindNamed(e.Kind)
		if !ok {
			return nil, fmt.Errorf("client: entry %s of the journal is of the kind %q, which this client does not know", e.ID, e.Kind)
		}
		entries = append(entries, lockstore.Entry{
			ID: e.ID, Seq: e.Seq, Kind: kind, Seats: e.SeatIDs, To: e.ToSeatIDs,
			User: e.UserID, Ref: e.Reference + e.Reason, By: e.By, Time: e.Time,
		})
	}
	return entries, nil
}

func kindNamed(name string) (lockstore.Kind, bool) {
	for _, k := range lockstore.Kinds() {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}
