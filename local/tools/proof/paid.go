package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A paidStore keeps seats and their orders.
type paidStore interface {
	lockstore.LockStore
	lockstore.OrderStore
}

// A paidRow is one store, and the fault under which it sells seats for money.
type paidRow struct {
	store string
	paidFault
}

// String names the row.
func (r paidRow) String() string { return r.store + ", paid: " + r.name }

// A paidKind is a kind of store. Its rows run at the same time, since they mostly wait,
// each on a store of its own.
type paidKind struct {
	name string

	// open returns a function that opens the store of a row. Shared servers belong to t.
	open func(ctx context.Context, t *trial) (func(*trial) (paidStore, error), error)
}

var paidKinds = []paidKind{
	{"memory", func(context.Context, *trial) (func(*trial) (paidStore, error), error) {
		return func(*trial) (paidStore, error) { return new(memstore.Store), nil }, nil
	}},
	{"file", func(context.Context, *trial) (func(*trial) (paidStore, error), error) {
		return func(t *trial) (paidStore, error) {
			_, store, err := t.boltStore()
			if err == nil {
				t.OnClose(func() { store.Close() })
			}
			return store, err
		}, nil
	}},
	{"Redis", func(context.Context, *trial) (func(*trial) (paidStore, error), error) {
		return func(t *trial) (paidStore, error) {
			_, store, err := t.redis()
			return store, err
		}, nil
	}},
	{"PostgreSQL", func(ctx context.Context, shared *trial) (func(*trial) (paidStore, error), error) {
		server, err := shared.Postgres()
		if err != nil {
			return nil, err
		}
		var one sync.Mutex
		return func(t *trial) (paidStore, error) {
			one.Lock() // a new database is a copy of one that nobody may use meanwhile
			name, err := server.Database(ctx)
			one.Unlock()
			if err != nil {
				return nil, err
			}
			return t.postgresStore(ctx, server.URL(name))
		}, nil
	}},
}

// paidRows returns the rows of a kind of store that have all the words.
func (k paidKind) rows(words []string) (all []paidRow) {
	for _, f := range paidFaults {
		r := paidRow{k.name, f}
		if (f.only == "" || f.only == k.name) && hasWords(r.String(), words) {
			all = append(all, r)
		}
	}
	return all
}

// countPaid returns how many rows of payments have all the words.
func countPaid(words []string) (n int) {
	for _, k := range paidKinds {
		n += len(k.rows(words))
	}
	return n
}

// paidTable runs the rows of payments that have all the words, prints their tallies and
// returns an error if a promise was broken.
func paidTable(ctx context.Context, s settings, words []string, stdout io.Writer) error {
	began, broken, ran := time.Now(), 0, 0
	w := tabwriter.NewWriter(stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| store\t| what is done to its payments\t| orders\t| paid\t| given back\t| not paid\t| charged without every seat\t| seats without payment\t| paid twice\t| not ended\t| settled late\t| need a person\t| illegal\t| undecided\t| faults\t| promises |\t")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---|\t")
	for _, k := range paidKinds {
		rows := k.rows(words)
		if len(rows) == 0 {
			continue
		}
		counted, err := k.run(ctx, s, rows)
		if err != nil {
			return errors.Join(err, w.Flush())
		}
		for i, r := range rows {
			c := counted[i]
			verdict := c.verdict(&r.paidFault)
			if ran++; verdict != kept {
				broken++
			}
			for _, words := range c.words[:min(len(c.words), 3)] {
				fmt.Fprintf(s.progress, "   %s: %s\n", r, words)
			}
			fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s |\t\n", r.store, r.name, c, verdict)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%v\n", time.Since(began).Round(time.Second))
	if broken > 0 {
		return fmt.Errorf("%w in %d of %d rows of payments", errBroken, broken, ran)
	}
	return nil
}

// run runs rows of the kind at the same time.
func (k paidKind) run(ctx context.Context, s settings, rows []paidRow) ([]paidTally, error) {
	shared := &trial{settings: s}
	defer shared.Close()
	open, err := k.open(ctx, shared)
	if err != nil {
		return nil, err
	}
	counted, errs := make([]paidTally, len(rows)), make([]error, len(rows))
	var all sync.WaitGroup
	for i, r := range rows {
		fmt.Fprintln(s.progress, r)
		all.Go(func() {
			t := &trial{settings: s}
			defer t.Close()
			var store paidStore
			var fail func(context.Context) error
			if r.crashing != nil {
				store, fail, errs[i] = r.crashing(ctx, t)
			} else {
				store, errs[i] = open(t)
			}
			if errs[i] == nil {
				counted[i], errs[i] = newPaidSale(t, r, store, fail).run(ctx)
			}
			if errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", r, errs[i])
			}
		})
	}
	all.Wait()
	return counted, errors.Join(append(errs, ctx.Err())...)
}

// A paidTally is what a row of payments counted.
type paidTally struct {
	orders, paid, back, closed int
	charged                    int // orders whose money was kept although the buyer does not have every seat
	unpaid                     int // orders whose seats are booked without a payment
	twice                      int // orders that were charged or paid back twice
	open                       int // orders that have not ended
	late                       int // orders that took too long after the last fault
	person                     int // orders that need a person
	illegal, undecided         int // histories of the seats of an order
	unjudged                   bool
	faults                     int
	words                      []string
}

// verdict judges whether the promises were kept under the fault f. An order that settles
// late breaks none: the machine may be busy. An order that needs a person breaks a promise,
// unless f leaves a decision that only a person can make.
func (t *paidTally) verdict(f *paidFault) string {
	switch {
	case t.person > 0 && !f.person:
		return brokenPromise
	case t.charged > 0 || t.unpaid > 0 || t.twice > 0 || t.open > 0 || t.illegal > 0:
		return brokenPromise
	case f.fails() && t.faults == 0: // nothing was tried
		return tooFew
	case t.paid == 0 && t.back == 0 && t.closed == 0 || t.undecided > max(3, t.orders/20):
		return tooFew
	}
	return kept
}

// String returns the tally as columns of the table.
func (t paidTally) String() string {
	illegal, undecided := strconv.Itoa(t.illegal), strconv.Itoa(t.undecided)
	if t.unjudged {
		illegal, undecided = "–", "–"
	}
	return fmt.Sprintf("%d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %s\t| %s\t| %d",
		t.orders, t.paid, t.back, t.closed, t.charged, t.unpaid, t.twice, t.open, t.late, t.person, illegal, undecided, t.faults)
}

// upTo returns a random time of at most d.
func upTo(d time.Duration) time.Duration { return rand.N(d + 1) }
