// Stampede tests a running Seatlock server before an on-sale. It sends a crowd of
// buyers, each of whom picks seats, locks them, hesitates, and pays or walks away, as
// people in a browser would. It then checks that the answers were true: that no seat
// was sold twice, no booking was lost and no seat is stuck.
//
// It books seats for good: give it an event of its own.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "stampede:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

var (
	// errUsage is wrapped by every error about the flags.
	errUsage = errors.New("-h explains every flag")

	// errBroken is returned when the server broke a promise.
	errBroken = errors.New("the server broke a promise")
)

func usage(format string, args ...any) error {
	return fmt.Errorf("%w; %w", fmt.Errorf(format, args...), errUsage)
}

// settings are the checked flags.
type settings struct {
	url, event string
	users      int
	arrive     time.Duration // the time within which the buyers arrive
	think      time.Duration // the longest hesitation
	most       int           // the most seats that a buyer wants
	party      int           // how many seats together every buyer wants; 0: they choose seats by name
	pay        float64       // the share of the buyers with seats who pay
	same       bool          // all buyers want the same seats
	hurry      bool          // do not wait for the end of abandoned locks
	json       bool
	seed       uint64

	extend     float64 // the share of the buyers with seats who ask for more time
	refund     float64 // the share of the buyers who paid whose bookings are cancelled
	cheats     int     // how many make calls that they may not
	hoarders   int     // how many lock seats and buy none
	confirmBy  string  // who may confirm, by the server's settings
	backendKey string
	operator   string // its key
}

// byBuyer is the value of -confirm-by with which a confirm needs no key.
const byBuyer = "buyer"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	server, err := client.New(s.url, client.Options{Connections: s.users, Token: s.backendKey})
	if err != nil {
		return usage("-url: %w", err)
	}
	defer server.Close()
	operator, err := client.New(s.url, client.Options{Token: s.operator})
	if err != nil {
		return err
	}
	defer operator.Close()
	stranger, err := client.New(s.url, client.Options{})
	if err != nil {
		return err
	}
	defer stranger.Close()
	ev, err := findEvent(ctx, server, s.event)
	if err != nil {
		return err
	}
	view, err := newView(ctx, server, ev)
	if err != nil {
		return err
	}
	c := newCrowd(s, server, view)
	c.picks = server
	c.operator, c.operates = operator, s.operator != ""
	stopHoard, err := c.startHoard(ctx)
	if err != nil {
		return err
	}
	r := c.run(ctx, stderr)
	r.Hoarders = stopHoard()
	r.Cheats, r.ConfirmBy = c.cheat(ctx, stranger), s.confirmBy
	err = c.check(ctx, &r, stderr)
	if err := errors.Join(err, r.print(stdout, s.json)); err != nil {
		return err
	}
	if !r.Verdict.Kept {
		return errBroken
	}
	return nil
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("stampede", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./local/tools/stampede [flags]\n\nSends buyers to a server and checks what it answers them. Seats are booked for good.")
		flags.PrintDefaults()
	}
	flags.StringVar(&s.url, "url", "http://127.0.0.1:8080", "the `ADDRESS` of the server")
	flags.StringVar(&s.event, "event", "", "the `ID` of the event; by default the first")
	flags.IntVar(&s.users, "users", 2000, "the `NUMBER` of buyers")
	flags.DurationVar(&s.arrive, "arrive", 5*time.Second, "the `DURATION` within which the buyers arrive")
	flags.DurationVar(&s.think, "think", 3*time.Second, "the longest `DURATION` for which a buyer hesitates before paying")
	flags.IntVar(&s.most, "most", 4, "the largest `NUMBER` of seats that a buyer wants")
	flags.IntVar(&s.party, "party", 0, "every buyer wants this `NUMBER` of seats together, which the server chooses, and none by name")
	flags.Float64Var(&s.pay, "pay", 0.5, "the `SHARE` of the buyers with seats who pay, from 0 to 1")
	flags.Float64Var(&s.extend, "extend", 0.2, "the `SHARE` of the buyers with seats who ask for more time, from 0 to 1")
	flags.Float64Var(&s.refund, "refund", 0.1, "the `SHARE` of the buyers who paid whose bookings an operator cancels; needs -operator-key")
	flags.IntVar(&s.cheats, "cheats", 10, "the `NUMBER` of cheats, who try calls that they may not make")
	flags.IntVar(&s.hoarders, "hoarders", 0, "the `NUMBER` of guests of one address who lock seats and buy none; needs a server with -sessions")
	flags.StringVar(&s.confirmBy, "confirm-by", byBuyer, "`WHO` may confirm, as set on the server: buyer, backend or payment")
	flags.StringVar(&s.backendKey, "backend-key", "", "the server's AUTH_BACKEND_KEY, with which the buyers' calls are made; by default that of the environment")
	flags.StringVar(&s.operator, "operator-key", "", "the server's OPERATOR_KEY, with which bookings are cancelled; by default that of the environment")
	flags.BoolVar(&s.same, "same", false, "all buyers want the same seats")
	flags.BoolVar(&s.hurry, "hurry", false, "do not wait until abandoned locks have ended; whether seats come back is then not checked")
	flags.BoolVar(&s.json, "json", false, "report in JSON")
	flags.Uint64Var(&s.seed, "seed", rand.Uint64(), "repeat the random choices of the run with this `NUMBER`")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, usage("%w", err)
	}
	s.backendKey = cmp.Or(s.backendKey, os.Getenv("AUTH_BACKEND_KEY"))
	if s.operator = cmp.Or(s.operator, os.Getenv("OPERATOR_KEY")); s.operator == "" {
		s.refund = 0
	}
	switch {
	case s.extend < 0 || s.extend > 1 || s.refund < 0 || s.refund > 1:
		return s, usage("-extend and -refund must be shares, from 0 to 1")
	case s.cheats < 0 || s.hoarders < 0:
		return s, usage("-cheats and -hoarders must not be negative")
	case !slices.Contains([]string{byBuyer, "backend", "payment"}, s.confirmBy):
		return s, usage("-confirm-by %s: must be buyer, backend or payment", s.confirmBy)
	case flags.NArg() > 0:
		return s, usage("%q is not a flag", flags.Arg(0))
	case s.users < 1:
		return s, usage("-users %d: must be at least 1", s.users)
	case s.most < 1 || s.most > lockstore.MaxSeats:
		return s, usage("-most %d: must be 1 to %d, the most seats of one call", s.most, lockstore.MaxSeats)
	case s.party < 0 || s.party > lockstore.MaxSeats || s.party > 0 && s.same:
		return s, usage("-party %d: must be 1 to %d, the most seats of one call, and without -same", s.party, lockstore.MaxSeats)
	case s.pay < 0 || s.pay > 1:
		return s, usage("-pay %v: must be a share, from 0 to 1", s.pay)
	case s.arrive < 0 || s.think < 0:
		return s, usage("-arrive and -think must not be negative")
	}
	return s, nil
}

// findEvent returns the event with that id, or the first if the id is empty.
func findEvent(ctx context.Context, server *client.Client, id string) (*lockstore.Event, error) {
	events, err := server.Events(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the server's events: %w", err)
	}
	for _, ev := range events {
		if id == "" || ev.ID == lockstore.EventID(id) {
			return ev, nil
		}
	}
	return nil, fmt.Errorf("the server has no event %q", id)
}
