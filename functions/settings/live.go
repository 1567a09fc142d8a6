package settings

// Live is the settings for viewers, who follow seats by WebSocket.
type Live struct {
	origins

	Viewers int // the most at a time
}

func (l *Live) declare() (string, []Setting) {
	return "Viewers", []Setting{
		{
			// The default needs little of a small machine's memory.
			Flag: "max-viewers", Env: "MAX_VIEWERS", Default: "10000",
			Usage: "let up to `NUMBER` viewers follow the seats by WebSocket at a time, and at most half of -max-connections; 0 means none",
			Must:  "must be a number of viewers, or 0 for none",
			into:  number(&l.Viewers, 0),
		},
	}
}

func (l *Live) check() error { return nil }
