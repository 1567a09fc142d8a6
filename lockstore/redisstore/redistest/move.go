package redistest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Mover moves slots between the masters of a Cluster, as an operator does to add
// or remove a server. Only one goroutine at a time may use it.
type Mover struct {
	clients []*redis.Client
	ids     []string
	addrs   []string
}

// NewMover returns a Mover for the Cluster. The caller must close it.
func (n Nodes) NewMover(ctx context.Context) (*Mover, error) {
	m := &Mover{}
	for _, s := range n[:masters] {
		c := redis.NewClient(&redis.Options{Addr: s.Addr})
		m.clients, m.addrs = append(m.clients, c), append(m.addrs, s.Addr)
		id, err := c.ClusterMyID(ctx).Result()
		if err != nil {
			m.Close()
			return nil, err
		}
		m.ids = append(m.ids, id)
	}
	return m, nil
}

// Close closes the connections of the Mover.
func (m *Mover) Close() {
	for _, c := range m.clients {
		_ = c.Close() // nothing is under way
	}
}

// Begin starts to move the slot of the key to the next master and moves some of
// its keys. The slot stays half moved until Move.
func (m *Mover) Begin(ctx context.Context, key string, keys ...string) error {
	_, from, to, err := m.begin(ctx, key)
	if err != nil || len(keys) == 0 {
		return err
	}
	return m.migrate(ctx, keys, from, to)
}

// Move moves the slot of the key, with all its keys, to the next master.
func (m *Mover) Move(ctx context.Context, key string) error {
	slot, from, to, err := m.begin(ctx, key)
	if err != nil {
		return err
	}
	if err := m.carry(ctx, slot, from, to); err != nil {
		return err
	}
	for i := range masters {
		c := m.clients[(to+i)%masters] // the new owner first
		if err := c.Do(ctx, "cluster", "setslot", slot, "node", m.ids[to]).Err(); err != nil {
			return err
		}
	}
	return nil
}

// begin announces the move of the key's slot, and returns the slot and the indexes
// of the two masters.
func (m *Mover) begin(ctx context.Context, key string) (slot, from, to int, err error) {
	n, err := m.clients[0].ClusterKeySlot(ctx, key).Result()
	if err != nil {
		return 0, 0, 0, err
	}
	slot = int(n)
	if from, err = m.agreed(ctx, slot); err != nil {
		return 0, 0, 0, err
	}
	to = (from + 1) % masters
	if err := m.clients[to].Do(ctx, "cluster", "setslot", slot, "importing", m.ids[from]).Err(); err != nil {
		return 0, 0, 0, err
	}
	return slot, from, to, m.clients[from].Do(ctx, "cluster", "setslot", slot, "migrating", m.ids[to]).Err()
}

// agreed waits until all masters name the same owner of the slot and know of every
// earlier move, and returns the index of the owner. A move before that could take
// the slot back from the master that has just got it.
func (m *Mover) agreed(ctx context.Context, slot int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		owners, epochs := make(map[string]bool), make(map[string]bool)
		for _, c := range m.clients {
			shards, err := c.ClusterShards(ctx).Result()
			if err != nil {
				return 0, err
			}
			for _, shard := range shards {
				for _, r := range shard.Slots {
					if int(r.Start) <= slot && slot <= int(r.End) {
						owners[shard.Nodes[0].ID] = true
					}
				}
			}
			info, err := c.ClusterInfo(ctx).Result()
			if err != nil {
				return 0, err
			}
			_, epoch, _ := strings.Cut(info, "cluster_current_epoch:")
			epoch, _, _ = strings.Cut(epoch, "\r")
			epochs[epoch] = true
		}
		if len(owners) == 1 && len(epochs) == 1 {
			for i, id := range m.ids {
				if owners[id] {
					return i, nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the masters do not agree on slot %d: owners %v, epochs %v", slot, owners, epochs)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// carry moves the keys of a slot, a few at a time.
func (m *Mover) carry(ctx context.Context, slot, from, to int) error {
	for {
		keys, err := m.clients[from].ClusterGetKeysInSlot(ctx, slot, 3).Result()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return nil
		}
		if err := m.migrate(ctx, keys, from, to); err != nil {
			return err
		}
	}
}

func (m *Mover) migrate(ctx context.Context, keys []string, from, to int) error {
	host, port, err := net.SplitHostPort(m.addrs[to])
	if err != nil {
		return err
	}
	args := []any{"migrate", host, port, "", 0, 5000, "keys"}
	for _, key := range keys {
		args = append(args, key)
	}
	if err := m.clients[from].Do(ctx, args...).Err(); err != nil {
		return fmt.Errorf("moving %q: %w", keys, err)
	}
	return nil
}
