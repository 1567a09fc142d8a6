package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// newLine returns to the start of a terminal's line and erases it.
const newLine = "\r\x1b[K"

// showProgress updates a line on a terminal until stop is called, which erases the line. It
// writes nothing if w is not a terminal.
func showProgress(w io.Writer, line func() string) (stop func()) {
	file, ok := w.(*os.File)
	if !ok {
		return func() {}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			fmt.Fprint(w, newLine, line())
			pause(ctx, 100*time.Millisecond)
		}
		fmt.Fprint(w, newLine)
	}()
	return func() {
		cancel()
		<-stopped
	}
}
