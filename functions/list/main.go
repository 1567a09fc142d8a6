// Program list is GET /seats, GET /events and GET /openapi.yaml as a Lambda
// function.
package main

import (
	"net/http"

	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
)

func main() {
	boot.Main(func(api *booking.API) http.Handler {
		calls := http.NewServeMux()
		calls.Handle("/events", api.Events)
		calls.Handle("/openapi.yaml", api.OpenAPI)
		calls.Handle("/", api.List)
		return calls
	})
}
