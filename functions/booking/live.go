package booking

import (
	"context"
	"net/http"

	"seatlock/functions/access"
	"seatlock/functions/seatlist"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// LivePath is the path of the live list, which [API.Live] answers. Lambda
// functions do not have it.
const LivePath = "/seats/live"

// liveCall is the name of the live list in logs and metrics.
const liveCall = "live"

// Live returns a handler of GET [LivePath] that answers with show. It takes the
// parameters eventId and since, as GET /seats does, and checks access, answers failures
// and recovers from panics as the other calls do. The context of show's request ends
// when the caller's token expires.
func (a *API) Live(show func(w http.ResponseWriter, r *http.Request, feed *seatlist.Feed, since lockstore.Version) error) telemetry.Handler {
	return a.handle(route{"GET", LivePath, liveCall, access.Look, func(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome) error {
		q, err := a.listQuery(r, o, "eventId", "since")
		if err != nil {
			return err
		}
		if until := by.Until(); !until.IsZero() {
			ctx, cancel := context.WithDeadline(r.Context(), until)
			defer cancel()
			r = r.WithContext(ctx)
		}
		return show(w, r, q.ev.feed, q.since)
	}})
}
