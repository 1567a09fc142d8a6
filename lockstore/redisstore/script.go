package redisstore

import (
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"strings"
)

//go:embed *.lua
var luaFiles embed.FS

// A script is a Lua program and the name that Redis caches it by.
type script struct {
	source string
	sha    string
}

var (
	lockScript    = newScript("common", "batch", "lock")
	confirmScript = newScript("common", "batch", "confirm")
	releaseScript = newScript("common", "batch", "release")
	openScript    = newScript("common", "open")
)

// newScript joins the named files, of which the last does the work.
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
