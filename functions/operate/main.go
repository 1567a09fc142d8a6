// Program operate is the calls of operators as a Lambda function.
package main

import (
	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
	"seatlock/functions/telemetry"
)

func main() {
	boot.Main(func(api *booking.API) telemetry.Handler {
		return api.At("/cancel", "/move", "/block", "/unblock", "/evict", "/bookings", "/journal")
	})
}
