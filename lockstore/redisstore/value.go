package redisstore

import (
	"strconv"
	"strings"

	"seatlock/lockstore"
)

// A seatValue is a parsed value of a seat's key. common.lua has the forms.
type seatValue struct {
	status lockstore.Status
	user   lockstore.UserID
	ref    lockstore.Ref
	since  int64 // 0 if it is not known
	until  int64 // of a lock
}

// stampLen is the length of a time in a value.
const stampLen = 13

// parseValue parses the value of a seat's key. ok is false for a value that was written by
// hand.
func parseValue(text string) (v seatValue, ok bool) {
	if len(text) < 1+stampLen {
		return v, false
	}
	kind, rest := text[0], text[1+stampLen:]
	since, err := strconv.ParseInt(text[1:1+stampLen], 10, 64)
	if err != nil {
		return v, false
	}
	v.since = since
	switch {
	case kind == 'l' && len(rest) > 1+stampLen+1 && rest[0] == '-' && rest[1+stampLen] == ':':
		v.status, v.user = lockstore.Locked, lockstore.UserID(rest[1+stampLen+1:])
		v.until, err = strconv.ParseInt(rest[1:1+stampLen], 10, 64)
		return v, err == nil
	case kind == 'b' && strings.HasPrefix(rest, ":"):
		ref, user, ok := strings.Cut(rest[1:], ":")
		v.status, v.ref, v.user = lockstore.Booked, lockstore.Ref(ref), lockstore.UserID(user)
		return v, ok && user != ""
	case kind == 'x' && strings.HasPrefix(rest, ":"):
		v.status, v.ref = lockstore.Blocked, lockstore.Ref(rest[1:])
		return v, true
	}
	return v, false
}
