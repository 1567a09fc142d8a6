package settings

import (
	"net/url"
	"time"
)

// Server is the settings of how requests come in.
type Server struct {
	origins

	Addr              string
	CertFile, KeyFile string // both empty: plain HTTP
	Origins           []string
	Connections       int
	Drain, DrainDelay time.Duration
}

func (s *Server) declare() (string, []Setting) {
	return "Server", []Setting{
		{
			Flag: "addr", Env: "ADDR", Default: "127.0.0.1:8080",
			Usage: "serve on `HOST:PORT`; port 0 takes a free port",
			into:  text(&s.Addr),
		}, {
			Flag: "tls-cert", Env: "TLS_CERT",
			Usage: "serve HTTPS with the certificate (and those of its issuers) in `FILE`, which is read again when it changes",
			into:  text(&s.CertFile),
		}, {
			Flag: "tls-key", Env: "TLS_KEY",
			Usage: "the private key of -tls-cert, in `FILE`",
			into:  text(&s.KeyFile),
		}, {
			Flag: "cors-origin", Env: "CORS_ORIGIN",
			Usage: "let web pages of `ORIGIN`, such as https://shop.example, call; for several, repeat the flag or separate them by commas",
			Must:  "must be a scheme and a host, such as https://shop.example, or * for all",
			into:  list(&s.Origins, isOrigin),
		}, {
			Flag: "max-connections", Env: "MAX_CONNECTIONS", Default: "20000",
			Usage: "the most connections at a time, as a `NUMBER`; further ones wait",
			Must:  "must be a number of connections, at least 1",
			into:  number(&s.Connections, 1),
		}, {
			Flag: "drain", Env: "DRAIN", Default: "10s",
			Usage: "how long requests under way may take once the server stops, as a `DURATION`",
			Must:  "must be a duration, such as 10s, or 0 to wait for nothing",
			into:  duration(&s.Drain, 0, forever),
		}, {
			Flag: "drain-delay", Env: "DRAIN_DELAY", Default: "0",
			Usage: "how much of -drain to go on as before while /readyz fails, so that load balancers send requests elsewhere, as a `DURATION`",
			Must:  "must be a duration, such as 5s, or 0 for no delay",
			into:  duration(&s.DrainDelay, 0, forever),
		},
	}
}

func (s *Server) check() error {
	switch {
	case s.CertFile != "" && s.KeyFile == "":
		return s.wrong("tls-cert", "needs -tls-key, the private key")
	case s.CertFile == "" && s.KeyFile != "":
		return s.wrong("tls-key", "needs -tls-cert, the certificate")
	case s.DrainDelay > 0 && s.DrainDelay >= s.Drain:
		return s.wrong("drain-delay", "must be shorter than -drain, which is "+s.Drain.String())
	}
	return nil
}

func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return text == "*" || err == nil && u.Host != "" && text == u.Scheme+"://"+u.Host
}
