package redisstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// An entryID is a log entry: where it is in the stream, and its nonce, which
// distinguishes it from one at the same place in another life of the log. As a
// Version it reads "ms-seq-nonce".
type entryID struct {
	ms, seq uint64
	nonce   string
}

func (id entryID) stream() string {
	return strconv.FormatUint(id.ms, 10) + "-" + strconv.FormatUint(id.seq, 10)
}

func (id entryID) version() lockstore.Version {
	return lockstore.Version(id.stream() + "-" + id.nonce)
}

// after reports whether the entry comes after the other in a stream.
func (id entryID) after(other entryID) bool {
	return id.ms > other.ms || id.ms == other.ms && id.seq > other.seq
}

// parseEntryID parses a Version that this package could have made.
func parseEntryID(v lockstore.Version) (entryID, bool) {
	stream, nonce := string(v), ""
	if i := strings.LastIndexByte(stream, '-'); i >= 0 {
		stream, nonce = stream[:i], stream[i+1:]
	}
	id, ok := parseStreamID(stream)
	id.nonce = nonce
	return id, ok && nonce != "" && id.version() == v
}

func parseStreamID(s string) (entryID, bool) {
	ms, seq, _ := strings.Cut(s, "-")
	m, err := strconv.ParseUint(ms, 10, 64)
	if err != nil {
		return entryID{}, false
	}
	n, err := strconv.ParseUint(seq, 10, 64)
	return entryID{ms: m, seq: n}, err == nil
}

// entryOf returns the id of an entry read from the log, whose one field is the nonce.
func entryOf(e redis.XMessage) entryID {
	id, _ := parseStreamID(e.ID)
	for nonce := range e.Values {
		id.nonce = nonce
	}
	return id
}

// newest is the Version of the newest log entry, which an open event has.
func newest(last *redis.XMessageSliceCmd) (lockstore.Version, error) {
	entries, err := last.Result()
	if err != nil {
		return "", unavailable(err)
	}
	if len(entries) == 0 {
		return "", fmt.Errorf("%w: the log of an event is gone from Redis", lockstore.ErrUnavailable)
	}
	return entryOf(entries[0]).version(), nil
}
