package settings

import (
	"net/url"
	"strconv"
	"time"
)

// Server holds the settings of the HTTP server.
type Server struct {
	origins

	Addr              string
	CertFile, KeyFile string // both empty: plain HTTP
	Origins           []string
	FrameAncestors    []string // origins whose pages may show the seats in a frame
	Connections       int
	Viewers           int // the most clients that follow seats by WebSocket at a time
	Share             int // of Connections, Viewers and large answers, for one address; in percent
	Drain, DrainDelay time.Duration
}

func (s *Server) declare() (string, []Setting) {
	return "Server", []Setting{
		{Flag: "addr", Env: "ADDR", Default: "127.0.0.1:8080", into: text(&s.Addr),
			Usage: "serve on `HOST:PORT`; port 0 chooses a free port"},
		{Flag: "tls-cert", Env: "TLS_CERT", into: text(&s.CertFile),
			Usage: "serve HTTPS with the certificate chain in `FILE`, which is read again when it changes"},
		{Flag: "tls-key", Env: "TLS_KEY", into: text(&s.KeyFile),
			Usage: "use the private key in `FILE` for -tls-cert"},
		{Flag: "cors-origin", Env: "CORS_ORIGIN",
			into:  list(&s.Origins, isOrigin, "must be a scheme and a host, such as https://shop.example, or * for all"),
			Usage: "allow calls from web pages of `ORIGIN`, such as https://shop.example; for several, repeat the flag or separate them with commas"},
		{Flag: "frame-ancestor", Env: "FRAME_ANCESTOR",
			into:  list(&s.FrameAncestors, isFrameAncestor, "must be a scheme and a host, such as https://shop.example"),
			Usage: "let web pages of `ORIGIN`, such as https://shop.example, show the seats in a frame; for several, repeat the flag or separate them with commas"},
		{Flag: "max-connections", Env: "MAX_CONNECTIONS", Default: "20000",
			into:  number(&s.Connections, 1, "must be a number of connections, at least 1"),
			Usage: "accept up to `NUMBER` connections at a time; further ones are answered with 503, except on /healthz and /readyz"},
		// The default takes little of a small machine's memory.
		{Flag: "max-viewers", Env: "MAX_VIEWERS", Default: "10000",
			into:  number(&s.Viewers, 0, "must be a number of viewers, or 0 for none"),
			Usage: "let up to `NUMBER` viewers follow the seats by WebSocket at a time, and at most half of -max-connections; 0 means none"},
		{Flag: "address-share", Env: "ADDRESS_SHARE", Default: "5",
			into:  parsed(&s.Share, strconv.Atoi, func(n int) bool { return n >= 1 && n <= 100 }, "must be a percentage from 1 to 100"),
			Usage: "let one address have up to `PERCENT` of -max-connections, of -max-viewers and of the large answers under way; connections of the proxies in -trust-proxy have no such limit"},
		{Flag: "drain", Env: "DRAIN", Default: "10s",
			into:  duration(&s.Drain, 0, forever, "must be a duration, such as 10s, or 0 to wait for nothing"),
			Usage: "when the server stops, wait up to `DURATION` for requests under way"},
		{Flag: "drain-delay", Env: "DRAIN_DELAY", Default: "0",
			into:  duration(&s.DrainDelay, 0, forever, "must be a duration, such as 5s, or 0 for no delay"),
			Usage: "for the first `DURATION` of -drain, serve as before while /readyz fails, so that load balancers send requests elsewhere"},
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

// isFrameAncestor reports whether the text is a single origin. It must be, since the
// frame tells its parent page what the user does.
func isFrameAncestor(text string) bool { return text != "*" && isOrigin(text) }

func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return text == "*" || err == nil && u.Host != "" && text == u.Scheme+"://"+u.Host
}
