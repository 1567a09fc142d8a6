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
			Usage: "serve on `HOST:PORT`; port 0 chooses a free port",
			into:  text(&s.Addr),
		}, {
			Flag: "tls-cert", Env: "TLS_CERT",
			Usage: "serve HTTPS with the certificate and those of its issuers in `FILE`, which is read again when it changes",
			into:  text(&s.CertFile),
		}, {
			Flag: "tls-key", Env: "TLS_KEY",
			Usage: "use the private key in `FILE` for -tls-cert",
			into:  text(&s.KeyFile),
		}, {
			Flag: "cors-origin", Env: "CORS_ORIGIN",
			Usage: "allow calls from web pages of `ORIGIN`, such as https://shop.example; for several, repeat the flag or separate them with commas",
			Must:  "must be a scheme and a host, such as https://shop.example, or * for all",
			into:  list(&s.Origins, isOrigin),
		}, {
			Flag: "max-connections", Env: "MAX_CONNECTIONS", Default: "20000",
			Usage: "accept up to `NUMBER` connections at a time; further ones wait",
			Must:  "must be a number of connections, at least 1",
			into:  number(&s.Connections, 1),
		}, {
			Flag: "drain", Env: "DRAIN", Default: "10s",
			Usage: "once the server stops, let requests under way take up to `DURATION`",
			Must:  "must be a duration, such as 10s, or 0 to wait for nothing",
			into:  duration(&s.Drain, 0, forever),
		}, {
			Flag: "drain-delay", Env: "DRAIN_DELAY", Default: "0",
			Usage: "for the first `DURATION` of -drain, serve as before while /readyz fails, so that load balancers send requests elsewhere",
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
