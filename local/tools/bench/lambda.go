package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// starts is how often the function is started.
const starts = 41

// lambdaStart measures how long a Lambda function, as it is released but for
// this machine, takes from its start until it asks for its first event, with
// Redis at hand.
func lambdaStart(ctx context.Context) (result, error) {
	dir, err := os.MkdirTemp("", "seatlock-bench-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	program, err := faults.Build(ctx, []string{"CGO_ENABLED=0"}, "seatlock/functions/lock", "-tags=lambda.norpc", "-trimpath", "-ldflags=-s -w")
	if err != nil {
		return result{}, err
	}
	events := filepath.Join(dir, "events.json")
	if err := os.WriteFile(events, []byte(`{"events":[{"id":"gala","sections":[{"name":"Stalls","rows":[{"row":"A-J","seats":"1-50"}]}]}]}`), 0o600); err != nil {
		return result{}, err
	}
	server, err := redistest.Start(dir)
	if err != nil {
		return result{}, err
	}
	defer server.Kill()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return result{}, err
	}
	asked := make(chan time.Time, 1)
	api := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- time.Now():
		default:
		}
		<-r.Context().Done() // there is no event
	})}
	go api.Serve(l) // ends with Close
	defer api.Close()
	env := append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "REDIS_URL=redis://"+server.Addr, "EVENTS_FILE="+events)

	var took []time.Duration
	for range starts {
		d, err := startOnce(ctx, program, env, asked)
		if err != nil {
			return result{}, err
		}
		took = append(took, d)
	}
	slices.Sort(took)
	p50, p95 := took[starts/2], took[starts*95/100]
	return result{
		ours:   fmt.Sprintf("p50 %.1f ms", p50.Seconds()*1000),
		figure: fmt.Sprintf("p95 %.1f ms", p95.Seconds()*1000),
		ok:     p50 <= 10*time.Millisecond,
	}, nil
}

// startOnce starts the function, and ends it when it has asked.
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
