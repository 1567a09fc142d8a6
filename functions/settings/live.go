package settings

// Live is the settings of the viewers who follow seats by WebSocket.
type Live struct {
	origins

	Viewers int // the most at a time
}

func (l *Live) declare() (string, []Setting) {
	return "Viewers", []Setting{
		{
			// The default leaves most of a small machine's memory alone.
			Flag: "max-viewers", Env: "MAX_VIEWERS", Default: "10000",
			Usage: "the most viewers who follow the seats by WebSocket at a time, as a `NUMBER`, and never more than half of -max-connections; 0 allows none",
			Must:  "must be a number of viewers, or 0 for none",
			into:  number(&l.Viewers, 0),
		},
	}
}

func (l *Live) check() error { return nil }
