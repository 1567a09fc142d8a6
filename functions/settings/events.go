package settings

import (
	"fmt"
	"strings"
	"time"

	"seatlock/lockstore"
)

// Events holds the settings of the events on sale.
type Events struct {
	origins

	// File is the event file. Without one, the runner sells an event of Rows rows with
	// RowSeats seats each; a Lambda function reads the file in its zip.
	File           string
	Rows, RowSeats int

	// Instead of serving, the runner reports on the event file Check, or makes an event
	// file from ImportFile, which has the format Import.
	Check, Import, ImportFile string

	// Defaults for events whose entry in the event file has none.
	LockTTL   time.Duration
	SeatLimit int // the most seats of one user in one event; 0 is no limit
}

func (e *Events) declare() (string, []Setting) {
	return "Events", []Setting{
		{Flag: "seats", Env: "SEATS", Default: "10x10",
			into:  value{read: e.readGrid, must: "must be ROWSxSEATS, such as 10x10"},
			Usage: "without -events: sell one event, named default, of `ROWSxSEATS`"},
		{Flag: "events", Env: "EVENTS_FILE", ReadBy: ByBoth, into: text(&e.File),
			Usage: "sell the events that `FILE` describes (JSON; see the README)"},
		{Flag: "check", into: text(&e.Check),
			Usage: "do not serve: report what is in the event file `FILE`, or what is wrong with it"},
		{Flag: "import", into: checked(&e.Import, func(s string) bool { return s == "pretix" || s == "seatsio" || s == "csv" }, "must be pretix, seatsio or csv"),
			Usage: "do not serve: print an event file made from a seating plan in the `FORMAT` pretix, seatsio (a detailed chart report) or csv; the plan follows as an argument: -import csv seats.csv"},
		{Flag: "lock-ttl", Env: "LOCK_TTL", Default: "1m", ReadBy: ByBoth,
			into:  duration(&e.LockTTL, time.Millisecond, lockstore.MaxLockTTL, fmt.Sprintf("must be a duration from 1ms to %.0fh, such as 90s", lockstore.MaxLockTTL.Hours())),
			Usage: "let locks last `DURATION`, such as 90s or 10m, unless the event file says otherwise"},
		{Flag: "seat-limit", Env: "SEAT_LIMIT", Default: "0", ReadBy: ByBoth,
			into:  number(&e.SeatLimit, 0, "must be a number of seats, or 0 for no limit"),
			Usage: "let one user have up to `NUMBER` seats in one event, unless the event file says otherwise; 0 means no limit. The default is 10 where users sign in or are guests, and on Lambda"},
	}
}

// knownLimit is the default of SeatLimit where users are known. Elsewhere, callers can
// invent as many users as they like.
const knownLimit = 10

// LimitKnown sets SeatLimit to the default where users are known, unless it was set: 0
// then means no limit.
func (e *Events) LimitKnown() {
	if !e.given("seat-limit") {
		e.SeatLimit = knownLimit
	}
}

func (e *Events) readGrid(text string) bool {
	rows, seats, _ := strings.Cut(text, "x")
	return number(&e.Rows, 1, "").read(rows) && number(&e.RowSeats, 1, "").read(seats)
}

func (e *Events) check() error {
	if e.given("check") && e.Check == "" {
		return e.wrong("check", "must be the name of an event file")
	}
	if e.Import != "" && e.ImportFile == "" {
		return e.wrong("import", "must be followed by a file, as in -import csv seats.csv")
	}
	if e.given("events") && e.given("seats") {
		return e.wrong("seats", "must not be given with "+e.name("events")+": the event file lists the seats")
	}
	return nil
}
