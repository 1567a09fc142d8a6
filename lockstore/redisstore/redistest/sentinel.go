package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore/storetest/faults"
)

// Sentinels monitor one master together.
type Sentinels struct {
	Servers []*Server
	name    string // of the master
}

// Sentinel starts a Sentinel that monitors the master under the name. It ends with
// the test.
func Sentinel(t testing.TB, master *Server, name string) *Server {
	t.Helper()
	s, err := StartSentinels(t.Context(), t.TempDir(), master, name, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s.Servers[0]
}

// StartSentinels starts n Sentinels, with their files in dir, that monitor the
// master under the name. Most of them must agree that it is down before they elect
// a replica of it, after about a second. The caller must Kill them.
func StartSentinels(ctx context.Context, dir string, master *Server, name string, n int) (*Sentinels, error) {
	host, masterPort, err := net.SplitHostPort(master.Addr)
	if err != nil {
		return nil, err
	}
	all := &Sentinels{name: name}
	for range n {
		port := faults.FreePort()
		config := filepath.Join(dir, "sentinel-"+port+".conf")
		text := fmt.Sprintf("bind 127.0.0.1\nport %s\nsentinel monitor %s %s %s %d\nsentinel down-after-milliseconds %s 1000\n",
			port, name, host, masterPort, n/2+1, name)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return nil, all.failed(err)
		}
		s, err := start(net.JoinHostPort("127.0.0.1", port), []string{config, "--sentinel"})
		if err != nil {
			return nil, all.failed(err)
		}
		all.Servers = append(all.Servers, s)
		client := redis.NewClient(&redis.Options{Addr: s.Addr})
		// By default a Sentinel reads the roles of the servers every 10 seconds, and
		// gives an old master 8 seconds to become a replica by itself.
		err = client.Do(ctx, "sentinel", "debug", "info-period", "500", "publish-period", "100").Err()
		if err := errors.Join(err, client.Close()); err != nil {
			return nil, all.failed(err)
		}
	}
	return all, nil
}

// failed kills the Sentinels and returns the error.
func (s *Sentinels) failed(err error) error {
	s.Kill()
	return err
}

// Kill kills all of them.
func (s *Sentinels) Kill() {
	for _, server := range s.Servers {
		server.Kill()
	}
}

// URL returns the URL of the master for [seatlock/lockstore/redisstore.Client].
func (s *Sentinels) URL() string {
	u := "redis://" + s.Servers[0].Addr + "?master_name=" + s.name
	for _, server := range s.Servers[1:] {
		u += "&addr=" + server.Addr
	}
	return u
}

// Await waits until every Sentinel names a master at addr and knows one replica of it
// and all other Sentinels.
func (s *Sentinels) Await(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	want := fmt.Sprintf("address=%s,slaves=1,sentinels=%d", addr, len(s.Servers))
	for _, server := range s.Servers {
		client := redis.NewClient(&redis.Options{Addr: server.Addr})
		err := awaitInfo(ctx, func(ctx context.Context) *redis.StringCmd { return client.Info(ctx, "sentinel") }, want)
		if err := errors.Join(err, client.Close()); err != nil {
			return err
		}
	}
	return nil
}
