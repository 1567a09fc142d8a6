// Shop is an example of a shop that sells the seats of a Seatlock server: its page has the
// element <seatlock-map>, and its back end takes the money and confirms with the Go client.
// No real money moves. README.md shows how to run it.
package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"seatlock/functions/client"
)

//go:embed page
var files embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal("shop: ", err)
	}
}

// run serves the shop until the context ends. SEATLOCK_URL is where browsers find the
// server, AUTH_BACKEND_KEY the server's key for back ends, and ADDR where to serve.
func run(ctx context.Context) error {
	server, err := url.Parse(cmp.Or(os.Getenv("SEATLOCK_URL"), "http://127.0.0.1:8080"))
	if err != nil {
		return fmt.Errorf("SEATLOCK_URL: %w", err)
	}
	seats, err := client.New(server.String(), client.Options{Token: os.Getenv("AUTH_BACKEND_KEY")})
	if err != nil {
		return fmt.Errorf("SEATLOCK_URL: %w", err)
	}
	defer seats.Close()
	handler, err := newShop(&desk{server: server, seats: seats, finishTime: 15 * time.Second})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8090"))
	if err != nil {
		return err
	}
	fmt.Printf("url=http://%s\n", l.Addr())
	srv := &http.Server{Handler: handler, ReadTimeout: 5 * time.Second, WriteTimeout: 40 * time.Second, IdleTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// newShop returns the shop's routes.
func newShop(d *desk) (http.Handler, error) {
	index, err := files.ReadFile("page/index.html")
	if err != nil {
		return nil, err
	}
	page := strings.ReplaceAll(string(index), "{seatlock}/embed/v1.js", d.server.JoinPath("embed/v1.js").String())
	static, err := fs.Sub(files, "page")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	})
	mux.Handle("GET /", http.FileServerFS(static))
	mux.HandleFunc("GET /token", d.token)
	mux.HandleFunc("POST /pay", d.pay)
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy(d.server))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		guarded.ServeHTTP(w, r)
	}), nil
}

// policy is the Content-Security-Policy of a page with the element: the module and the
// calls come from the server, also by WebSocket, and the marks on the seats are in the
// module.
func policy(server *url.URL) string {
	origin := server.Scheme + "://" + server.Host
	socket := strings.Replace(origin, "http", "ws", 1)
	return "default-src 'none'; script-src 'self' " + origin + "; connect-src 'self' " + origin + " " + socket +
		"; img-src 'self' data:; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
