// Program stampede is what an operator runs before an on-sale. It sends a crowd
// of buyers to a running Seatlock server, each of whom picks seats, locks them,
// hesitates, and pays or walks away, as people in a browser would, and then
// holds the server to what it told them: that no seat was sold twice, no
// booking was lost, and no seat is stuck.
//
// It books seats for good: give it an event of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"seatlock/functions/client"
	"seatlock/lockstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "stampede:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "stampede:", err)
		os.Exit(1)
	}
}

var (
	// errUsage is every error in how the program was called.
	errUsage = errors.New("-h explains every flag")

	// errBroken is a server that did not keep what it told.
	errBroken = errors.New("the server did not keep what it told")
)

func usage(format string, args ...any) error {
	return fmt.Errorf("%w; %w", fmt.Errorf(format, args...), errUsage)
}

// settings are the flags, checked.
type settings struct {
	url, event string
	users      int
	arrive     time.Duration // within which they come
	think      time.Duration // the longest that one hesitates
	most       int           // seats that one wants
	pay        float64       // the share of those who have seats that pay
	same       bool          // all want the same seats
	hurry      bool          // do not wait for what was walked away from
	json       bool
	seed       uint64
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := settle(args, stderr)
	if err != nil {
		return err
	}
	server, err := client.New(s.url, s.users)
	if err != nil {
		return usage("-url: %w", err)
	}
	defer server.Close()
	ev, err := pick(ctx, server, s.event)
	if err != nil {
		return err
	}
	house, err := look(ctx, server, ev)
	if err != nil {
		return err
	}
	if len(house.ours.Seats) == 0 {
		return fmt.Errorf("event %s has no available seat: choose another with -event", ev.ID)
	}
	bar := progress(s, stderr)
	r := storm(ctx, s, server, house, bar)
	r.Interrupted = ctx.Err() != nil
	if err := judge(ctx, s, server, house, &r, bar); err != nil {
		return errors.Join(err, r.print(stdout, s.json))
	}
	if err := r.print(stdout, s.json); err != nil {
		return err
	}
	if !r.Verdict.Kept {
		return errBroken
	}
	return nil
}

func settle(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("stampede", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./local/tools/stampede [flags]\n\nSends buyers to a server and holds it to what it told them. Seats are booked for good.")
		flags.PrintDefaults()
	}
	flags.StringVar(&s.url, "url", "http://127.0.0.1:8080", "the `ADDRESS` of the server")
	flags.StringVar(&s.event, "event", "", "the `ID` of the event; left out: the first")
	flags.IntVar(&s.users, "users", 2000, "how many come, as a `NUMBER`")
	flags.DurationVar(&s.arrive, "arrive", 5*time.Second, "the `DURATION` within which they come")
	flags.DurationVar(&s.think, "think", 3*time.Second, "the longest `DURATION` for which one hesitates to pay")
	flags.IntVar(&s.most, "most", 4, "the most seats that one wants, as a `NUMBER`")
	flags.Float64Var(&s.pay, "pay", 0.5, "the `SHARE` of those who got seats that pay, from 0 to 1")
	flags.BoolVar(&s.same, "same", false, "all want the same seats")
	flags.BoolVar(&s.hurry, "hurry", false, "do not wait until the locks that were walked away from are over; whether seats come back is not judged then")
	flags.BoolVar(&s.json, "json", false, "report in JSON")
	flags.Uint64Var(&s.seed, "seed", rand.Uint64(), "do what is random as another run with this `NUMBER` did")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, usage("%w", err)
	}
	switch {
	case flags.NArg() > 0:
		return s, usage("%q is not a flag", flags.Arg(0))
	case s.users < 1:
		return s, usage("-users %d: somebody must come", s.users)
	case s.most < 1 || s.most > lockstore.MaxSeats:
		return s, usage("-most %d: one call takes 1 to %d seats", s.most, lockstore.MaxSeats)
	case s.pay < 0 || s.pay > 1:
		return s, usage("-pay %v: it is a share, from 0 to 1", s.pay)
	case s.arrive < 0 || s.think < 0:
		return s, usage("-arrive and -think cannot be less than nothing")
	}
	return s, nil
}

// pick finds the event.
func pick(ctx context.Context, server *client.Store, id string) (*lockstore.Event, error) {
	events, err := server.Events(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the server for its events: %w", err)
	}
	for _, ev := range events {
		if id == "" || ev.ID == lockstore.EventID(id) {
			return ev, nil
		}
	}
	return nil, fmt.Errorf("the server has no event %q", id)
}

// progress draws a line while people look on.
func progress(s settings, w io.Writer) *progressbar.ProgressBar {
	file, ok := w.(*os.File)
	if ok {
		info, err := file.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return progressbar.NewOptions(s.users,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(ok),
		progressbar.OptionSetDescription("buyers"),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(true),
	)
}
