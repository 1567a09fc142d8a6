package redisstore

import (
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"strings"

	"seatlock/lockstore"
)

//go:embed *.lua
var luaFiles embed.FS

// A script is a Lua program and the name that Redis caches it by.
type script struct {
	source string
	sha    string
}

// scripts carry out operations, by their kind.
var scripts = [...]*script{
	lockstore.KindLock:    newScript("common", "batch", "way", "lock"),
	lockstore.KindConfirm: newScript("common", "bookings", "batch", "calls", "held", "take", "confirm"),
	lockstore.KindRelease: newScript("common", "bookings", "batch", "calls", "release"),
	lockstore.KindExtend:  newScript("common", "bookings", "batch", "calls", "held", "each", "extend"),
	lockstore.KindBook:    newScript("common", "bookings", "batch", "calls", "way", "take", "book"),
	lockstore.KindCancel:  newScript("common", "bookings", "keep_set", "batch", "calls", "owners", "cancel"),
	lockstore.KindMove:    newScript("common", "bookings", "keep_set", "batch", "calls", "way", "owners", "take", "each", "move"),
	lockstore.KindBlock:   newScript("common", "bookings", "keep_set", "batch", "calls", "way", "owners", "take", "block"),
	lockstore.KindUnblock: newScript("common", "batch", "calls", "unblock"),
	lockstore.KindEvict:   newScript("common", "bookings", "keep_set", "batch", "calls", "owners", "evict"),
}

var (
	openScript      = newScript("common", "open")
	takenScript     = newScript("common", "taken")
	replaceScript   = newScript("common", "replace")
	auditScript     = newScript("common", "audit")
	auditSetsScript = newScript("common", "audit_sets")
	auditUserScript = newScript("common", "bookings", "keep_set", "audit_user")
	migrateScript   = newScript("common", "keep_set", "migrate")
	swapMapScript   = newScript("common", "swap_map")

	forgetBeginScript = newScript("common", "forget_begin")
	forgetKeysScript  = newScript("common", "forget_keys")

	orderPutScript = newScript("common", "order_put")
	orderDueScript = newScript("common", "order_due")
)

// newScript joins the named files, the last of which does the work.
func newScript(names ...string) *script {
	var source strings.Builder
	for _, name := range names {
		text, err := luaFiles.ReadFile(name + ".lua")
		if err != nil {
			panic(err) // the files are part of the program
		}
		source.Write(text)
	}
	sum := sha1.Sum([]byte(source.String()))
	return &script{source.String(), hex.EncodeToString(sum[:])}
}

// command returns the words that run the script: by its name, or whole.
func (s *script) command(whole bool) []any {
	if whole {
		return []any{"eval", s.source}
	}
	return []any{"evalsha", s.sha}
}
