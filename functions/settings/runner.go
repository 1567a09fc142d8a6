package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
)

// Runner holds the settings of the runner, which reads all groups but [Gateway].
type Runner struct {
	Server    Server
	Events    Events
	File      File
	Redis     Redis
	Postgres  Postgres
	Payments  Payments
	Access    Access
	Telemetry Telemetry
}

func (r *Runner) groups() []Group {
	return []Group{&r.Server, &r.Events, &r.File, &r.Redis, &r.Postgres, &r.Payments, &paidAccess{&r.Access, &r.Payments}, &r.Telemetry}
}

// Parse reads the settings from the arguments, without the program's name, and
// the environment. A flag takes precedence over its variable, and that over the
// default; an empty variable counts as not set. The error is [flag.ErrHelp] if the
// arguments ask for help, and otherwise an [Error].
func Parse(args []string, getenv func(string) string) (Runner, error) {
	var r Runner
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard) // the caller prints errors and help
	given := make(map[string]string)
	for _, s := range ForRunner() {
		if s.Flag != "" {
			set.Var(&argument{s, given}, s.Flag, s.Usage)
		}
	}
	if err := set.Parse(args); errors.Is(err, flag.ErrHelp) {
		return r, err
	} else if err != nil {
		return r, &Error{err}
	}
	if _, imports := given["import"]; imports && set.NArg() == 1 {
		r.Events.ImportFile = set.Arg(0)
	} else if set.NArg() > 0 {
		return r, &Error{fmt.Errorf("%q is not a flag", set.Arg(0))}
	}
	if err := fill(r.groups(), ByRunner, given, getenv); err != nil {
		return r, err
	}
	return r, r.check()
}

// check checks settings of several groups together.
func (r *Runner) check() error {
	if r.Access.KnowsUsers() {
		r.Events.LimitKnown()
	}
	var stores []string
	if r.File.Path != "" {
		stores = append(stores, r.File.name("data"))
	}
	if r.Redis.URL != "" {
		stores = append(stores, r.Redis.name("redis"))
	}
	if r.Postgres.URL != "" {
		stores = append(stores, r.Postgres.name("postgres"))
	}
	if r.File.Export && len(stores) == 0 {
		return r.File.wrong("export", "needs -data, -redis or -postgres, whose bookings it prints")
	}
	if r.File.Forget != "" && len(stores) == 0 {
		return r.File.wrong("forget", "needs -data, -redis or -postgres, from which it removes the event")
	}
	if len(stores) > 1 {
		return &Error{fmt.Errorf("%s: must not be given together, because seats are kept in one place", strings.Join(stores, " and "))}
	}
	if addr := r.Telemetry.MetricsAddr; addr != "" && addr == r.Server.Addr {
		if _, port, err := net.SplitHostPort(addr); err != nil || port != "0" {
			return r.Telemetry.wrong("metrics-addr", "must differ from -addr, which buyers reach")
		}
	}
	return nil
}

// ForRunner returns every setting that the runner reads.
func ForRunner() []Setting { return readBy(ByRunner, new(Runner).groups()) }

// An argument is a flag for the flag package. It accepts any text: fill reads the value
// later, so that errors can name the flag or variable that it came from.
type argument struct {
	Setting
	given map[string]string
}

func (a *argument) Set(text string) error {
	if earlier, ok := a.given[a.Flag]; ok && a.into.list {
		text = earlier + "," + text
	}
	a.given[a.Flag] = text
	return nil
}

func (a *argument) String() string   { return "" }
func (a *argument) IsBoolFlag() bool { return a.into.boolean }
