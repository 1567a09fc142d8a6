package settings

import (
	"math"
	"time"
)

// forever is the upper bound of durations without a limit.
const forever = time.Duration(math.MaxInt64)

// whyShared says why a Lambda function needs a store outside of itself.
const whyShared = "it must name the store of the seats; without one, every copy of a function would sell them again"

// File holds the settings for seats in a file on this machine.
type File struct {
	origins

	Path   string // empty: seats are not kept in a file
	Export bool   // print the bookings of any store instead of serving
	Forget string // an event to be removed from any store instead of serving, or empty
	Yes    bool   // remove it even if its seats are booked
}

func (f *File) declare() (string, []Setting) {
	return "Seats in a file (without -data, -redis and -postgres they are in memory)", []Setting{
		{Flag: "data", Env: "DATA_FILE", into: text(&f.Path),
			Usage: "keep seats in `FILE`, which is created if it is missing; every acknowledged change survives a crash"},
		{Flag: "export", into: yesNo(&f.Export),
			Usage: "do not serve: print which seats of -data, -redis or -postgres are booked, for whom, or blocked, as CSV; other processes may be selling"},
		{Flag: "forget", into: text(&f.Forget),
			Usage: "do not serve: remove `EVENT`, with its seats and its journal, from -data, -redis or -postgres, so that its id can be reused; no process should still have it"},
		{Flag: "yes", into: yesNo(&f.Yes),
			Usage: "with -forget, remove the event even if seats of it are booked"},
	}
}

func (f *File) check() error {
	switch {
	case f.given("forget") && f.Forget == "":
		return f.wrong("forget", "must be the id of an event")
	case f.Yes && f.Forget == "":
		return f.wrong("yes", "needs -forget, the event to remove")
	case f.Export && f.Forget != "":
		return f.wrong("forget", "must not be given together with -export")
	}
	return nil
}

// Redis holds the settings for seats in Redis.
type Redis struct {
	origins

	URL           string // empty: seats are not kept in Redis
	Replicas      int    // how many replicas must have a booking before it is confirmed
	AllowEviction bool

	// For the runner. A Lambda function does not wait at its start: each request tries
	// to connect.
	Start   time.Duration // how long to wait for Redis at the start
	Audit   bool          // report differences instead of serving
	Rebuild bool          // fix them instead of serving
}

func (r *Redis) declare() (string, []Setting) {
	return "Seats in Redis", []Setting{
		{Flag: "redis", Env: "REDIS_URL", ReadBy: ByBoth, Needed: whyShared, Secret: true, into: text(&r.URL),
			Usage: "keep seats in the Redis at `URL`, such as redis://localhost:6379"},
		{Flag: "redis-wait", Env: "REDIS_WAIT", Default: "0", ReadBy: ByBoth,
			into:  number(&r.Replicas, 0, "must be a number of replicas, or 0 to wait for none"),
			Usage: "confirm a booking once `NUMBER` replicas of Redis have it"},
		{Flag: "redis-start", Env: "REDIS_START", Default: "5s",
			into:  duration(&r.Start, 0, forever, "must be a duration, such as 5s, or 0 to not wait"),
			Usage: "at the start, wait up to `DURATION` for Redis"},
		{Flag: "redis-allow-eviction", Env: "REDIS_ALLOW_EVICTION", Default: "false", ReadBy: ByBoth, into: yesNo(&r.AllowEviction),
			Usage: "start even if Redis may evict locks and bookings when its memory is full"},
		{Flag: "redis-audit", into: yesNo(&r.Audit),
			Usage: "do not serve: report where lists and the seats of users differ from the keys of the seats"},
		{Flag: "redis-rebuild", into: yesNo(&r.Rebuild),
			Usage: "do not serve: rebuild lists and the seats of users from the keys of the seats"},
	}
}

func (r *Redis) check() error {
	const why = "needs -redis, the server to use"
	switch {
	case r.URL != "":
		return nil
	case r.Audit:
		return r.wrong("redis-audit", why)
	case r.Rebuild:
		return r.wrong("redis-rebuild", why)
	case r.Replicas != 0:
		return r.wrong("redis-wait", why)
	}
	return nil
}

// Postgres holds the settings for seats in PostgreSQL.
type Postgres struct {
	origins

	URL string // empty: seats are not kept in PostgreSQL

	// For the runner. A Lambda function does not wait at its start: each request tries
	// to connect.
	Start   time.Duration // how long to wait for PostgreSQL at the start
	Migrate bool          // create what the database needs instead of serving
}

func (p *Postgres) declare() (string, []Setting) {
	return "Seats in PostgreSQL", []Setting{
		{Flag: "postgres", Env: "POSTGRES_URL", ReadBy: ByBoth, Needed: whyShared, Secret: true, into: text(&p.URL),
			Usage: "keep seats in the PostgreSQL database at `URL`, such as postgres://seatlock@localhost/seatlock"},
		{Flag: "postgres-start", Env: "POSTGRES_START", Default: "5s",
			into:  duration(&p.Start, 0, forever, "must be a duration, such as 5s, or 0 to not wait"),
			Usage: "at the start, wait up to `DURATION` for PostgreSQL"},
		{Flag: "postgres-migrate", into: yesNo(&p.Migrate),
			Usage: "do not serve: create the tables and functions in the database, or update them for this version"},
	}
}

func (p *Postgres) check() error {
	if p.Migrate && p.URL == "" {
		return p.wrong("postgres-migrate", "needs -postgres, the database to change")
	}
	return nil
}
