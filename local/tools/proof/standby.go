package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// A replicated PostgreSQL is a server whose commits wait for a standby. Clients know one
// name, which leads to the server.
type replicated struct {
	primary, standby *pgtest.Server
	name             *faults.Proxy
}

// replicated starts a replicated PostgreSQL and returns it with a store on it.
func (t *trial) replicated(ctx context.Context) (*replicated, *pgstore.Store, error) {
	primary, err := t.Postgres()
	if err != nil {
		return nil, nil, err
	}
	standby, err := t.Standby(primary)
	if err != nil {
		return nil, nil, err
	}
	name, err := t.Proxy(primary.Addr)
	if err != nil {
		return nil, nil, err
	}
	if err := primary.Synchronize(ctx); err != nil {
		return nil, nil, err
	}
	store, err := t.postgresStore(ctx, urlAt(primary, name.Addr))
	return &replicated{primary, standby, name}, store, err
}

// urlAt returns the URL of a server for clients that reach it at another address.
func urlAt(server *pgtest.Server, addr string) string {
	return strings.Replace(server.URL("postgres"), server.Addr, addr, 1)
}

// switchOver stops the server and has its standby take over. For a moment the name still
// leads to the old server, which takes no writes any more.
func (r *replicated) switchOver(ctx context.Context) error {
	r.primary.Stop()
	if err := r.standby.Promote(ctx); err != nil {
		return err
	}
	if err := r.primary.Follow(r.standby); err != nil {
		return err
	}
	r.primary, r.standby = r.standby, r.primary
	if err := sleep(ctx, 500*time.Millisecond+rand.N(time.Second)); err != nil {
		return err
	}
	r.name.RedirectNew(r.primary.Addr) // existing connections to the old server stay
	return r.primary.Synchronize(ctx)
}

// postgresSwitched has two servers take turns behind one name.
func postgresSwitched(ctx context.Context, t *trial) (tally, error) {
	r, store, err := t.replicated(ctx)
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "switched", store, 12)
	c.plan.TTL, c.plan.Pause = diskTTL, 20*time.Millisecond
	c.plan.LosesLog = true // its tables are unlogged
	return c.run(ctx, c.repeating(15, time.Second, 2*time.Second, func(ctx context.Context, _ int) error {
		if err := r.switchOver(ctx); err != nil {
			return err
		}
		if err := awaitStore(ctx, store); err != nil {
			return err
		}
		return c.leaves(ctx, r.standby)
	}))
}

// leaves counts the connections that stay with a server that takes no writes and that no
// name leads to any more.
func (c *campaign) leaves(ctx context.Context, server *pgtest.Server) error {
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var left int
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		err := conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seatlock'").Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	c.late(fmt.Sprintf("%d connections stay with a server that takes no writes", left))
	return nil
}

// postgresPromoted kills a server and promotes its standby. In every second round the
// standby was away before that, so that the last commits have no answer.
var postgresPromoted = inRounds(6, func(ctx context.Context, t *trial, number int) (tally, error) {
	r, store, err := t.replicated(ctx)
	if err != nil {
		return tally{}, err
	}
	away := number%2 == 0
	return t.failover(ctx, store, func() (lockstore.LockStore, error) { return store, nil }, func(ctx context.Context) error {
		if away {
			r.standby.Stop()
			if err := sleep(ctx, time.Second+rand.N(time.Second)); err != nil {
				return err
			}
		}
		r.primary.Kill()
		if away {
			if err := r.standby.Restart(); err != nil {
				return err
			}
		}
		if err := r.standby.Promote(ctx); err != nil {
			return err
		}
		r.name.RedirectNew(r.standby.Addr)
		return awaitStore(ctx, store)
	})
})

// standbyAway repeatedly stops the standby that commits wait for. Meanwhile a call that
// changes nothing must be answered.
func standbyAway(ctx context.Context, t *trial) (tally, error) {
	r, store, err := t.replicated(ctx)
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "away", store, 12)
	c.plan.TTL, c.plan.Pause = 2*time.Second, 20*time.Millisecond // longer than the standby is away
	booked, err := bookedSeat(ctx, store, c.name)
	if err != nil {
		return tally{}, err
	}
	other, err := t.postgresStore(ctx, urlAt(r.primary, r.name.Addr)) // as in a program that sells nothing
	if err != nil {
		return tally{}, err
	}
	return c.run(ctx, c.repeating(12, time.Second, 2*time.Second, func(ctx context.Context, _ int) error {
		r.standby.Stop()
		err := sleep(ctx, rand.N(time.Second))
		if err == nil {
			err = c.refusesAtOnce(ctx, other, booked)
		}
		if err = errors.Join(err, r.standby.Restart()); err != nil {
			return err
		}
		if err := r.primary.Synchronize(ctx); err != nil {
			return err
		}
		return awaitStore(ctx, store)
	}))
}

// bookedSeat returns an event of one seat, which is booked.
func bookedSeat(ctx context.Context, store lockstore.LockStore, name string) (*lockstore.Event, error) {
	layout, err := lockstore.NewLayout([]lockstore.SeatID{"S"})
	if err != nil {
		return nil, err
	}
	ev, err := lockstore.NewEvent(lockstore.EventID(name+".booked"), layout, time.Minute, 0)
	if err != nil {
		return nil, err
	}
	for _, op := range []lockstore.Op{lockstore.Lock("owner", "S"), lockstore.Confirm("owner", "S")} {
		if err := history.Repeat(ctx, func() error { _, err := store.Do(ctx, ev, op); return err }); err != nil {
			return nil, err
		}
	}
	return ev, nil
}

// refusesAtOnce counts the calls for the booked seat that are not refused. A call is tried
// three times, since a busy machine can make one late.
func (c *campaign) refusesAtOnce(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) error {
	for _, op := range []lockstore.Op{lockstore.Lock("another", "S"), lockstore.Confirm("another", "S"), lockstore.Release("owner", "S")} {
		var err error
		for range 3 {
			if _, err = store.Do(ctx, ev, op); refused(err) {
				break
			}
		}
		if !refused(err) {
			c.late(fmt.Sprintf("%v of a booked seat was not refused, but: %v", op.Kind, err))
		}
	}
	return ctx.Err()
}

func refused(err error) bool {
	_, ok := errors.AsType[*lockstore.ConflictError](err)
	return ok
}
