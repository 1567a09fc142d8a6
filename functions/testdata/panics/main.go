// Program panics is a Lambda function whose handler panics when asked to.
package main

import (
	"net/http"

	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
)

func main() {
	boot.Main(func(api *booking.API) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "panic" {
				panic("as asked")
			}
			api.List.ServeHTTP(w, r)
		})
	})
}
