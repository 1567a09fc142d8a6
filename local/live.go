package main

import (
	"context"
	"log/slog"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/local/live"
)

// openHub starts the hub of the viewers. The caller ends the context and then
// waits for the hub.
func openHub(ctx context.Context, s settings.Live, server settings.Server, api *booking.API, log *slog.Logger) *live.Hub {
	return live.New(ctx, live.Config{
		API:        api,
		Origins:    server.Origins,
		MaxViewers: min(s.Viewers, server.Connections/2), // viewers must leave connections to buyers
		Grace:      server.Drain - server.DrainDelay,
		Log:        log,
	})
}
