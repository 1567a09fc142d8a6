// Package client calls a Seatlock server over HTTP. It is for the back ends of shops
// and for the tools of this repository.
//
// A [Client] is a [lockstore.LockStore]: it accepts the operations of the contract and
// returns its errors. The package uses only the standard library and the contract, so
// that a shop which requires it downloads nothing else.
package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"seatlock/lockstore"
)

const (
	// callTime bounds a call. It exceeds the time that the server waits for its store.
	callTime = 5 * time.Second

	dialTime           = time.Second
	defaultConnections = 100
)

// Options are the settings of a [Client]. The zero value is ready to use.
type Options struct {
	// Token is sent with every call, as a bearer token: the server's
	// AUTH_BACKEND_KEY, or the token of a user who signed in. None is sent if it
	// is empty.
	Token string

	// Connections is the most connections to the server at a time. 0 is 100.
	Connections int
}

// A Client calls one server. It is safe for concurrent use.
//
// It provides less information than a store. The API does not say which seats a lock,
// an extension, a booking or a move changed, so Result.Changed is not set for these.
// Result.Now and ConflictError.Held are not known, and are zero and -1. The lock time
// and the limits are the server's, whatever the event says, and the ends of locks in
// lists and conflicts are rounded up to a second.
type Client struct {
	base  string
	token string
	http  *http.Client
}

var _ lockstore.LockStore = (*Client)(nil)

// New returns a client of the server at the base URL, such as
// http://127.0.0.1:8080. It fails if the URL is not valid, and does not connect yet.
func New(base string, o Options) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("client: the server must be given as a URL such as http://127.0.0.1:8080, not %q", base)
	}
	connections := cmp.Or(o.Connections, defaultConnections)
	return &Client{base: u.JoinPath("/").String(), token: o.Token, http: &http.Client{
		Timeout: callTime,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: dialTime}).DialContext,
			MaxConnsPerHost:     connections,
			MaxIdleConnsPerHost: connections,
			DisableCompression:  true,
		},
	}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// List implements [lockstore.LockStore] with GET /seats. It leaves out seats that
// ev does not have.
func (c *Client) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	query := url.Values{"eventId": {string(ev.ID)}}
	if since != "" {
		query.Set("since", string(since))
	}
	var answer struct {
		Version    lockstore.Version `json:"version"`
		Full       bool              `json:"full"`
		ServerTime time.Time         `json:"serverTime"`
		Seats      []seat            `json:"seats"`
	}
	if err := c.get(ctx, "seats?"+query.Encode(), &answer); err != nil {
		return lockstore.Snapshot{}, err
	}
	snap := lockstore.Snapshot{Version: answer.Version, Full: answer.Full, Now: answer.ServerTime.UnixMilli()}
	for _, s := range answer.Seats {
		at, ok := ev.Position(s.SeatID)
		if !ok || snap.Full && s.Status == lockstore.Available { // a full list of the API has every seat
			continue
		}
		listed := lockstore.ListedSeat{Position: int32(at), Status: s.Status}
		if s.Status == lockstore.Locked {
			listed.Expires = s.ExpiresAt.UnixMilli()
		}
		snap.Seats = append(snap.Seats, listed)
	}
	return snap, nil
}

// pollEvery is how often Wait asks the server.
const pollEvery = 500 * time.Millisecond

// Wait implements [lockstore.LockStore]. It asks the server for changes twice a
// second, since the API has no call that waits.
func (c *Client) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	for {
		snap, err := c.List(ctx, ev, since)
		if err != nil || snap.Full || snap.Version != since {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// A venueLayout is the seats of one or more events in the answer of GET /events.
type venueLayout struct {
	Sections []struct {
		Rows []struct {
			Seats []lockstore.SeatID `json:"seats"`
		} `json:"rows"`
	} `json:"sections"`
	Areas []struct {
		Name     string `json:"name"`
		ID       string `json:"id"`
		Capacity int    `json:"capacity"`
	} `json:"areas"`
}

// layout returns the layout. The places of areas come after the seats.
func (l venueLayout) layout() (*lockstore.Layout, error) {
	var seats []lockstore.SeatID
	for _, section := range l.Sections {
		for _, row := range section.Rows {
			seats = append(seats, row.Seats...)
		}
	}
	for _, area := range l.Areas {
		for n := 1; n <= area.Capacity; n++ {
			seats = append(seats, lockstore.SeatID(fmt.Sprintf("%s#%d", cmp.Or(area.ID, area.Name), n)))
		}
	}
	return lockstore.NewLayout(seats)
}

// Events returns the events on sale, with GET /events. Events of one layout share it.
func (c *Client) Events(ctx context.Context) ([]*lockstore.Event, error) {
	var answer struct {
		Events []struct {
			EventID        lockstore.EventID `json:"eventId"`
			Layout         string            `json:"layout"`
			LockSeconds    float64           `json:"lockSeconds"`
			MaxLockSeconds float64           `json:"maxLockSeconds"` // missing in answers of older servers
			SeatLimit      int               `json:"seatLimit"`
			venueLayout                      // used if the event has no shared layout
		} `json:"events"`
		Layouts map[string]venueLayout `json:"layouts"`
	}
	if err := c.get(ctx, "events", &answer); err != nil {
		return nil, err
	}
	var events []*lockstore.Event
	shared := make(map[string]*lockstore.Layout)
	for _, e := range answer.Events {
		layout, err := shared[e.Layout], error(nil)
		switch {
		case e.Layout == "":
			layout, err = e.layout()
		case layout == nil:
			layout, err = answer.Layouts[e.Layout].layout()
			shared[e.Layout] = layout
		}
		if err != nil {
			return nil, err
		}
		ev, err := lockstore.NewEvent(e.EventID, layout, seconds(e.LockSeconds), e.SeatLimit)
		if err != nil {
			return nil, err
		}
		if longest := seconds(e.MaxLockSeconds); longest > 0 {
			ev.MaxLock = longest
		}
		events = append(events, ev)
	}
	return events, nil
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

func (c *Client) get(ctx context.Context, path string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	return c.do(r, answer)
}

// do sends the request, and reads its answer or returns the error that it describes.
func (c *Client) do(r *http.Request, answer any) error {
	if err := r.Context().Err(); err != nil {
		return err // nothing was sent
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return unanswered(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return unanswered(err)
	}
	if resp.StatusCode != http.StatusOK {
		return problem(resp, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%w: the answer of %s is not JSON: %w", lockstore.ErrOutcomeUnknown, r.URL, err)
	}
	return nil
}
