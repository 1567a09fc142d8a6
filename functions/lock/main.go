// Program lock is POST /lock and POST /extend as a Lambda function.
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
			if r.URL.Path == "/extend" {
				return api.Extend(w, r)
			}
			return api.Lock(w, r)
		}
	})
}
