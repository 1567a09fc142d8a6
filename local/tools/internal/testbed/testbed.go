// Package testbed sets up the servers and folders that a row of bench or proof
// needs, and removes them afterwards.
//
// It must not know about any store: the programs open those.
package testbed

import (
	"context"
	"net"
	"os"
	"slices"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// A Bed holds the resources of one row. The zero value is empty. A Bed is not safe for
// concurrent use.
type Bed struct{ undo []func() }

// OnClose adds a function that Close calls.
func (b *Bed) OnClose(undo func()) { b.undo = append(b.undo, undo) }

// Close calls the functions added by OnClose, the last first.
func (b *Bed) Close() {
	for _, undo := range slices.Backward(b.undo) {
		undo()
	}
	b.undo = nil
}

// Folder returns a new folder, which Close removes.
func (b *Bed) Folder() (string, error) {
	dir, err := os.MkdirTemp("", "seatlock-testbed-")
	if err == nil {
		b.OnClose(func() { os.RemoveAll(dir) })
	}
	return dir, err
}

// Proxy returns a new proxy to the address.
func (b *Bed) Proxy(target string) (*faults.Proxy, error) {
	p, err := faults.StartProxy(target)
	if err == nil {
		b.OnClose(p.Close)
	}
	return p, err
}

// A Redis is a redis-server that can be restarted.
type Redis struct {
	*redistest.Server
	Dir string // the folder of its files

	args []string
}

// Redis starts a redis-server with the arguments, as [redistest.Start] does.
func (b *Bed) Redis(args ...string) (*Redis, error) {
	dir, err := b.Folder()
	if err != nil {
		return nil, err
	}
	server, err := redistest.Start(dir, args...)
	if err != nil {
		return nil, err
	}
	r := &Redis{server, dir, args}
	b.OnClose(func() { r.Kill() })
	return r, nil
}

// URL returns the server's address in the form that redisstore.Client accepts.
func (r *Redis) URL() string { return "redis://" + r.Addr }

// Restart kills the server and restarts it on its port and its files.
func (r *Redis) Restart() error {
	r.Kill()
	_, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		return err
	}
	server, err := redistest.Start(r.Dir, slices.Concat([]string{"--port", port}, r.args)...)
	if err == nil {
		r.Server = server
	}
	return err
}

// Cluster starts a Redis Cluster, as [redistest.StartCluster] does.
func (b *Bed) Cluster(ctx context.Context, replicas bool, args ...string) (redistest.Nodes, error) {
	dir, err := b.Folder()
	if err != nil {
		return nil, err
	}
	nodes, err := redistest.StartCluster(ctx, dir, replicas, args...)
	if err == nil {
		b.OnClose(nodes.Kill)
	}
	return nodes, err
}

// Sentinels starts n Sentinels of a master, as [redistest.StartSentinels] does.
func (b *Bed) Sentinels(ctx context.Context, master *redistest.Server, n int) (*redistest.Sentinels, error) {
	dir, err := b.Folder()
	if err != nil {
		return nil, err
	}
	s, err := redistest.StartSentinels(ctx, dir, master, "seats", n)
	if err == nil {
		b.OnClose(s.Kill)
	}
	return s, err
}

// Postgres starts a PostgreSQL server that waits for the disk.
func (b *Bed) Postgres() (*pgtest.Server, error) {
	server, err := pgtest.Start()
	if err == nil {
		b.OnClose(server.Close)
	}
	return server, err
}

// Standby starts a standby of a PostgreSQL server, as [pgtest.Server.Standby] does.
func (b *Bed) Standby(primary *pgtest.Server) (*pgtest.Server, error) {
	server, err := primary.Standby()
	if err == nil {
		b.OnClose(server.Close)
	}
	return server, err
}

// Pooler starts a PgBouncer, as [pgtest.StartPooler] does.
func (b *Bed) Pooler(server *pgtest.Server, addr string) (*pgtest.Pooler, error) {
	const retry = "server_login_retry=1" // seconds after the server was gone
	pooler, err := pgtest.StartPooler(server, addr, retry)
	if err == nil {
		b.OnClose(pooler.Close)
	}
	return pooler, err
}
