package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore/storetest/faults"
)

// lambdaStart measures how long a Lambda function takes from its start to its first
// request for an event. It is a release build for this machine, with Redis on the same
// machine.
func lambdaStart(ctx context.Context, bed *testbed.Bed) (result, error) {
	program, err := faults.Build(ctx, []string{"CGO_ENABLED=0"}, "seatlock/functions/lock", "-tags=lambda.norpc", "-trimpath", "-ldflags=-s -w")
	if err != nil {
		return result{}, err
	}
	server, err := bed.Redis()
	if err != nil {
		return result{}, err
	}
	events := filepath.Join(server.Dir, "events.json")
	if err := os.WriteFile(events, []byte(`{"events":[{"id":"gala","sections":[{"name":"Stalls","rows":[{"row":"A-J","seats":"1-50"}]}]}]}`), 0o600); err != nil {
		return result{}, err
	}
	asked := make(chan time.Time, 1)
	api, err := listen(ctx, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- time.Now():
		default:
		}
		<-r.Context().Done() // there is no event
	}))
	if err != nil {
		return result{}, err
	}
	env := append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+api, "REDIS_URL="+server.URL(), "EVENTS_FILE="+events)
	var took []time.Duration
	for range 41 {
		d, err := startOnce(ctx, program, env, asked)
		if err != nil {
			return result{}, err
		}
		took = append(took, d)
	}
	p50 := quantile(took, 0.50)
	return result{
		ours:   "p50 " + millis(p50),
		figure: "p95 " + millis(quantile(took, 0.95)),
		ok:     p50 <= 10*time.Millisecond,
	}, nil
}

// startOnce starts the function, and ends it when it has asked for an event.
func startOnce(ctx context.Context, program string, env []string, asked <-chan time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, io.Discard, io.Discard
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // it is killed, which is an error
	}()
	select {
	case at := <-asked:
		return at.Sub(began), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("the function does not ask for an event: %w", ctx.Err())
	}
}
