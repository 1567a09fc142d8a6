package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/redisstore/redistest"
)

// TestExportOfServers checks that bookings in Redis and PostgreSQL can be exported while
// a runner sells, as from a file.
func TestExportOfServers(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]func() []string{
		"Redis":      func() []string { return []string{"-redis", "redis://" + redistest.New(t).Addr} },
		"PostgreSQL": func() []string { return []string{"-postgres", pgtest.New(t, pgtest.Unsafe...).URL("postgres")} },
	} {
		t.Run(name, func(t *testing.T) {
			args := append(store(), "-seats", "1x4")
			url, _, _ := serving(t, args...)
			for _, c := range []struct{ call, seat, more string }{
				{"lock", "A1", ""}, {"lock", "A3", ""}, {"confirm", "A3", `,"reference":"order-1"`},
			} {
				if status, _, body := post(t, url+"/"+c.call, fmt.Sprintf(`{"seatId":%q,"userId":"=ann"%s}`, c.seat, c.more)); status != 200 {
					t.Fatal(body)
				}
			}
			var csv bytes.Buffer
			if err := run(t.Context(), append(args, "-export"), variables{}.get, &csv, io.Discard); err != nil {
				t.Fatal(err)
			}
			const want = "event,seat,section,row,number,category,status,user,reference,since\ndefault,A3,,A,3,,booked,'=ann,order-1,WHEN\n"
			if got := changes.ReplaceAllString(csv.String(), "WHEN"); got != want {
				t.Errorf("the export is %q, want %q", got, want)
			}
		})
	}
}
