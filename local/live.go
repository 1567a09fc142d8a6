package main

import (
	"context"
	"log/slog"

	"github.com/urfave/cli/v3"

	"seatlock/functions/booking"
	"seatlock/local/live"
)

// liveSettings are the flags about who may watch, checked.
type liveSettings struct {
	viewers int
}

// defaultViewers leaves most of the memory of a small machine alone.
const defaultViewers = 10_000

var liveFlags = []cli.Flag{
	&cli.IntFlag{Name: "max-viewers", Value: defaultViewers, Usage: "the most who watch the seats by WebSocket at a time, as `NUMBER`, and never more than half of -max-connections; 0 is nobody", Sources: cli.EnvVars("MAX_VIEWERS")},
}

func settleLive(c *cli.Command) (liveSettings, error) {
	l := liveSettings{viewers: c.Int("max-viewers")}
	if l.viewers < 0 {
		return l, usage("-max-viewers %d: it is a number of viewers, or 0 for none", l.viewers)
	}
	return l, nil
}

// open makes the hub. After it has ended the context, the caller must Wait.
func (l liveSettings) open(ctx context.Context, api *booking.API, s serverSettings, log *slog.Logger) *live.Hub {
	return live.New(ctx, live.Config{
		API:        api,
		Origins:    s.origins,
		MaxViewers: min(l.viewers, s.connections/2), // viewers must leave connections for buyers
		Grace:      s.drain - s.drainDelay,
		Log:        log,
	})
}
