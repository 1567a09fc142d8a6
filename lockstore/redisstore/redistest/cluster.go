package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore/storetest/faults"
)

const (
	masters = 3
	slots   = 16384
)

// Nodes are the servers of a Cluster: first the three initial masters, then
// a replica of each, if there are replicas.
type Nodes []*Server

// Cluster starts a Cluster of three masters that ends with the test. It calls
// [Need].
func Cluster(t testing.TB) Nodes {
	t.Helper()
	return clusterFor(t, false)
}

// ClusterWithReplicas is like [Cluster], with a replica of each master. All servers
// get the args, which are those of redis-server.
func ClusterWithReplicas(t testing.TB, args ...string) Nodes {
	t.Helper()
	return clusterFor(t, true, args...)
}

func clusterFor(t testing.TB, replicas bool, args ...string) Nodes {
	t.Helper()
	Need(t)
	nodes, err := StartCluster(t.Context(), t.TempDir(), replicas, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nodes.Kill)
	return nodes
}

// StartCluster starts a Cluster of three masters, with a replica of each if
// replicas is true, and returns once it serves. The servers have their files below
// dir, and all get the args. The caller must Kill them.
func StartCluster(ctx context.Context, dir string, replicas bool, args ...string) (Nodes, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	n := masters
	if replicas {
		n *= 2
	}
	var nodes Nodes
	buses := make(map[*Server]string) // the ports for traffic between the servers
	for i := range n {
		home := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(home, 0o700); err != nil {
			return nodes, nodes.failed(err)
		}
		bus := faults.FreePort()
		s, err := Start(home, slices.Concat([]string{"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "5000"}, args)...)
		if err != nil {
			return nodes, nodes.failed(err)
		}
		nodes, buses[s] = append(nodes, s), bus
	}
	if err := nodes.join(ctx, buses); err != nil {
		return nil, nodes.failed(err)
	}
	return nodes, nil
}

// failed kills the servers and returns the error.
func (n Nodes) failed(err error) error {
	n.Kill()
	return err
}

// Kill kills all servers.
func (n Nodes) Kill() {
	for _, s := range n {
		s.Kill()
	}
}

// URL returns the URL of the Cluster for [seatlock/lockstore/redisstore.Client].
func (n Nodes) URL() string {
	u := "redis://" + n[0].Addr + "?cluster=true"
	for _, s := range n[1:] {
		u += "&addr=" + s.Addr
	}
	return u
}

// join makes a Cluster of servers that do not know each other yet.
func (n Nodes) join(ctx context.Context, buses map[*Server]string) error {
	clients := make([]*redis.Client, len(n))
	for i, s := range n {
		clients[i] = redis.NewClient(&redis.Options{Addr: s.Addr})
		defer clients[i].Close()
		if i < masters {
			if err := clients[i].ClusterAddSlotsRange(ctx, i*slots/masters, (i+1)*slots/masters-1).Err(); err != nil {
				return err
			}
		}
		if err := clients[i].Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			return err
		}
	}
	for _, s := range n[1:] {
		host, port, err := net.SplitHostPort(s.Addr)
		if err != nil {
			return err
		}
		if err := clients[0].Do(ctx, "cluster", "meet", host, port, buses[s]).Err(); err != nil {
			return err
		}
	}
	for _, c := range clients[:masters] {
		if err := awaitInfo(ctx, c.ClusterInfo, "cluster_state:ok", fmt.Sprintf("cluster_known_nodes:%d\r", len(n))); err != nil {
			return err
		}
	}
	for i, c := range clients[masters:] {
		id, err := clients[i].ClusterMyID(ctx).Result()
		if err != nil {
			return err
		}
		if err := replicate(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

// replicate makes a server a replica of the master, once it knows of the master,
// and returns when the replica is up to date.
func replicate(ctx context.Context, c *redis.Client, master string) error {
	for {
		err := c.ClusterReplicate(ctx, master).Err()
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
	return awaitInfo(ctx, func(ctx context.Context) *redis.StringCmd { return c.Info(ctx, "replication") }, "master_link_status:up")
}

// awaitInfo returns once the info that read returns contains all the words.
func awaitInfo(ctx context.Context, read func(context.Context) *redis.StringCmd, words ...string) error {
	for {
		info, err := read(ctx).Result()
		if err == nil && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(info, w) }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, fmt.Errorf("a server is not ready: want %q in\n%s", words, info))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Await waits until n[number] reports that a slot has no master, and then until it
// reports that all have one.
func (n Nodes) Await(ctx context.Context, number int) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: n[number].Addr})
	defer client.Close()
	if err := awaitInfo(ctx, client.ClusterInfo, "cluster_state:fail"); err != nil {
		return err
	}
	return awaitInfo(ctx, client.ClusterInfo, "cluster_state:ok")
}

// Announce makes the Cluster announce addrs to its clients, one for each server: proxies
// in front of the servers, on the same host. It returns once every server does so.
func (n Nodes) Announce(ctx context.Context, addrs []string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	clients := make([]*redis.Client, len(n))
	for i, s := range n {
		clients[i] = redis.NewClient(&redis.Options{Addr: s.Addr})
		defer clients[i].Close()
		_, port, err := net.SplitHostPort(addrs[i])
		if err != nil {
			return err
		}
		if err := clients[i].ConfigSet(ctx, "cluster-announce-port", port).Err(); err != nil {
			return err
		}
	}
	var all []string
	for _, addr := range addrs {
		all = append(all, addr+"@") // the port of the bus follows
	}
	for _, c := range clients {
		if err := awaitInfo(ctx, c.ClusterNodes, all...); err != nil {
			return err
		}
	}
	return nil
}
