// Program operate is the calls of operators as a Lambda function, and GET /mine,
// which reads the same roster.
package main

import (
	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
	"seatlock/functions/telemetry"
)

func main() {
	boot.Main(func(api *booking.API) telemetry.Handler {
		return api.At("/mine", "/cancel", "/move", "/block", "/unblock", "/evict", "/bookings", "/journal")
	})
}
