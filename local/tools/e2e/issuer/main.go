// Issuer is an OpenID Connect issuer with a login form, for tests of the sign-in on the
// page: the example server of zitadel/oidc, on a free port of this machine.
//
// It has a public client, which must use PKCE, and the users test-user2 and
// test-user@127.0.0.1 with the password verysecure.
package main

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Error("cannot serve", "error", err)
		os.Exit(1)
	}
	url := "http://" + l.Addr().String() + "/"
	// A native client may use any port.
	storage.RegisterClients(storage.NativeClient("seatlock", "http://127.0.0.1/signin/callback"))
	h := exampleop.SetupServer(url, storage.NewStorage(storage.NewUserStore(url)), log, false)
	log.Info("serving", "url", url)
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	log.Error("stopped", "error", srv.Serve(l))
	os.Exit(1)
}
