package booking

import (
	"context"
	"net/http"

	"seatlock/lockstore"
)

// What a live view of the seats needs of the API. How it reaches whoever
// watches is not known here.

// LivePath is where a live view is, beside the calls of the API.
const LivePath = "/seats/live"

// liveCall is what it is called in logs and metrics.
const liveCall = "live"

// Seats renders an event's seats as they are at a moment after the call began:
// what changed since the version, or everything where that is empty or the
// store no longer knows that far back.
func (a *API) Seats(ctx context.Context, event lockstore.EventID, since lockstore.Version) (*List, error) {
	ev, err := a.event(event)
	if err != nil {
		return nil, err
	}
	p, now, err := ev.board.fresh(ctx)
	if err != nil {
		return nil, err
	}
	return a.since(ctx, p, now, since)
}

// Watched reads which event a request for a live view means, and since which
// version: the parameters eventId and since, as GET /seats has them.
func (a *API) Watched(r *http.Request) (*lockstore.Event, lockstore.Version, error) {
	ev, since, _, err := a.listQuery(r, "eventId", "since")
	if err != nil {
		return nil, "", err
	}
	return ev.Event, since, nil
}

// Live makes a handler of the call at [LivePath]: its method, its failures and
// its panics are answered as those of the API's own calls are.
func (a *API) Live(call func(context.Context, http.ResponseWriter, *http.Request) error) http.Handler {
	return a.get(liveCall, call)
}
