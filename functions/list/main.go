// Program list is GET /seats, GET /events, GET /mine and GET /openapi.yaml as a Lambda
// function and, like every function, GET /session and POST /signout.
package main

import (
	"net/http"

	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
	"seatlock/functions/telemetry"
)

func main() {
	boot.Main(func(api *booking.API) telemetry.Handler {
		mine := api.At("/mine")
		return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
			switch r.URL.Path {
			case "/mine":
				return mine(w, r)
			case "/events":
				return api.Events(w, r)
			case "/openapi.yaml":
				return api.OpenAPI(w, r)
			}
			return api.List(w, r)
		}
	})
}
