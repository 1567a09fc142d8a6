package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"seatlock/lockstore"
)

// A Wanted describes what [Client.Pick] locks: a number of seats, or seats by name with
// places of areas.
type Wanted struct {
	// Count is a number of seats. They are side by side, unless Apart allows several
	// places. If the section is an area, it is a number of its places.
	Count    int
	Category string // its id; empty for any
	Section  string // the name of a section or an area; empty for any
	Apart    bool

	Seats []lockstore.SeatID
	Areas []AreaPlaces

	For time.Duration // instead of the event's lock time; needs the token of a back end
}

// AreaPlaces are a number of places of an area.
type AreaPlaces struct {
	Section string `json:"section"` // its name
	Count   int    `json:"count"`
}

func (w *Wanted) total() int {
	n := w.Count + len(w.Seats)
	for _, a := range w.Areas {
		n += a.Count
	}
	return n
}

// A Picked is what [Client.Pick] has locked.
type Picked struct {
	Seats    []lockstore.SeatID // with the places of areas
	Together bool               // whether the seats of a Count are side by side
	Expires  time.Time          // when the locks end
}

const (
	// pickTries is how often a pick is sent if its answers are lost.
	pickTries = 2

	// pickTime is how long after it was sent a pick may still take effect. A server
	// stops picking after three seconds, and the slowest store, a file, may need five
	// more for the lock that is under way.
	pickTime = 9 * time.Second

	// lookPause is the time between two reads of what the user has locked.
	lookPause = 200 * time.Millisecond
)

// Pick locks seats that the server chooses, with POST /lock. With the token of a user,
// user may be empty. If there are not enough seats, the error is a [*Problem] with the
// code not_enough and the number that there is in Largest.
//
// The call cannot simply be repeated, since that would lock more seats. If the answer
// is lost, Pick reads with GET /mine what the user has locked since the call began, and
// whether the user has the seats that the call names. If there are as many seats as
// wanted, Pick returns them, with Together false, since that is not known. The call may
// still be under way, so Pick continues to look for nine seconds. If nothing was picked
// by then, it repeats the call once. If it finds other seats, because somebody else
// acts for the same user, it fails with [lockstore.ErrOutcomeUnknown].
func (c *Client) Pick(ctx context.Context, ev *lockstore.Event, user lockstore.UserID, w Wanted) (Picked, error) {
	body := struct {
		EventID     lockstore.EventID  `json:"eventId"`
		UserID      lockstore.UserID   `json:"userId,omitempty"`
		Count       int                `json:"count,omitempty"`
		Category    string             `json:"category,omitempty"`
		Section     string             `json:"section,omitempty"`
		Apart       bool               `json:"apart,omitempty"`
		SeatIDs     []lockstore.SeatID `json:"seatIds,omitempty"`
		Areas       []AreaPlaces       `json:"areas,omitempty"`
		LockSeconds float64            `json:"lockSeconds,omitempty"`
	}{ev.ID, user, w.Count, w.Category, w.Section, w.Apart, w.Seats, w.Areas, w.For.Seconds()}
	began := time.Now()
	var err error
	for range pickTries {
		var answer struct {
			SeatIDs   []lockstore.SeatID `json:"seatIds"`
			Together  bool               `json:"together"`
			ExpiresAt time.Time          `json:"expiresAt"`
		}
		sent := time.Now()
		if err = c.post(ctx, "lock", body, &answer); err == nil {
			return Picked{answer.SeatIDs, answer.Together, answer.ExpiresAt}, nil
		}
		if !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			return Picked{}, err
		}
		found, errMine := c.awaitPick(ctx, ev, user, &w, began, sent.Add(pickTime))
		switch {
		case errMine != nil:
			return Picked{}, fmt.Errorf("%w; then, to see what was locked: %w", err, errMine)
		case found.has(&w):
			return found.Picked, nil
		case found.picked > 0:
			return Picked{}, fmt.Errorf("%w; the user has locked %d seats meanwhile that the call does not name, and it was for %d", err, found.picked, w.total()-len(w.Seats))
		}
	}
	return Picked{}, err
}

// awaitPick reads what the user has locked since then, until it is what was wanted or
// the call can no longer take effect.
func (c *Client) awaitPick(ctx context.Context, ev *lockstore.Event, user lockstore.UserID, w *Wanted, since, until time.Time) (found, error) {
	for {
		late := !time.Now().Before(until)
		f, err := c.lockedSince(ctx, ev, user, since, w.Seats)
		if late || err == nil && f.has(w) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return found{}, ctx.Err()
		case <-time.After(lookPause):
		}
	}
}

// clockSlack is the largest error of the times in an answer of GET /mine.
const clockSlack = 20 * time.Millisecond

// A found is what a user has locked.
type found struct {
	Picked
	picked int // how many of the seats were picked, not named
}

// has reports whether the user has locked what was wanted.
func (f *found) has(w *Wanted) bool {
	return f.picked == w.total()-len(w.Seats) && len(f.Seats) == w.total()
}

// lockedSince returns what the user has locked since a time of this process, and those
// of the named seats that the user locked at any time: locking a seat again does not
// change its time.
func (c *Client) lockedSince(ctx context.Context, ev *lockstore.Event, user lockstore.UserID, began time.Time, named []lockstore.SeatID) (found, error) {
	query := url.Values{"eventId": {string(ev.ID)}}
	if user != "" {
		query.Set("userId", string(user))
	}
	var answer struct {
		ServerTime time.Time `json:"serverTime"`
		Seats      []struct {
			seat
			Since time.Time `json:"since"`
		} `json:"seats"`
	}
	if err := c.get(ctx, "mine?"+query.Encode(), &answer); err != nil {
		return found{}, err
	}
	from := answer.ServerTime.Add(-time.Since(began) - clockSlack)
	var p found
	for _, s := range answer.Seats {
		isNamed := slices.Contains(named, s.SeatID)
		if s.Status != lockstore.Locked || !isNamed && s.Since.Before(from) {
			continue
		}
		if !isNamed {
			p.picked++
		}
		if p.Seats = append(p.Seats, s.SeatID); p.Expires.IsZero() || s.ExpiresAt.Before(p.Expires) {
			p.Expires = s.ExpiresAt
		}
	}
	return p, nil
}
