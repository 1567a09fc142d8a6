package main

import (
	"context"

	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
)

// behindPooler returns a store that reaches the server through a PgBouncer at the
// address, which keeps no prepared statements.
func (t *trial) behindPooler(ctx context.Context, server *pgtest.Server, addr string) (*pgstore.Store, error) {
	return t.postgresStore(ctx, urlAt(server, addr)+"&default_query_exec_mode=cache_describe")
}

// badNetworkAroundPooler breaks answers on both sides of a PgBouncer. When PgBouncer loses
// the server, it answers with an error of its own.
func badNetworkAroundPooler(ctx context.Context, t *trial) (tally, error) {
	server, err := t.Postgres()
	if err != nil {
		return tally{}, err
	}
	behind, err := t.Proxy(server.Addr)
	if err != nil {
		return tally{}, err
	}
	pooler, err := t.Pooler(server, behind.Addr)
	if err != nil {
		return tally{}, err
	}
	before, err := t.Proxy(pooler.Addr)
	if err != nil {
		return tally{}, err
	}
	store, err := t.behindPooler(ctx, server, before.Addr)
	if err != nil {
		return tally{}, err
	}
	return throughProxies(ctx, t, store, 12, 600, before, behind)
}

// pooledPostgresKilled kills the server behind a PgBouncer under load and restarts it.
func pooledPostgresKilled(ctx context.Context, t *trial) (tally, error) {
	server, err := t.Postgres()
	if err != nil {
		return tally{}, err
	}
	pooler, err := t.Pooler(server, server.Addr)
	if err != nil {
		return tally{}, err
	}
	store, err := t.behindPooler(ctx, server, pooler.Addr)
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "killed", store, 16)
	// A call that waits in the pooler for the server may still take effect. With so many
	// unknown outcomes few histories could be decided.
	c.unjudged = true
	return c.killingPostgres(ctx, server)
}
