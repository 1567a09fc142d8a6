// Program confirm is POST /confirm as a Lambda function.
package main

import (
	"net/http"

	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
)

func main() {
	boot.Main(func(api *booking.API) http.Handler { return api.Confirm })
}
