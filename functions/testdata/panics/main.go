// Program panics is a Lambda function whose handler panics if the query is "panic".
package main

import (
	"net/http"

	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
	"seatlock/functions/telemetry"
)

func main() {
	boot.Main(func(api *booking.API) telemetry.Handler {
		return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
			if r.URL.RawQuery == "panic" {
				panic("on request")
			}
			return api.List(w, r)
		}
	})
}
