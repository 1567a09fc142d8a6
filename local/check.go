package main

import (
	"fmt"
	"io"
	"os"

	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/functions/venue/importer"
)

// checkEvents prints what is in an event file.
func checkEvents(s settings.Events, out io.Writer) error {
	f, err := os.Open(s.Check)
	if err != nil {
		return fmt.Errorf("cannot read the event file: %w", err)
	}
	defer f.Close()
	text, err := venue.Check(s.Check, f, venue.Defaults{LockTTL: s.LockTTL, SeatLimit: s.SeatLimit})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}

// importPlan prints an event file made from a seating plan of another program.
func importPlan(s settings.Events, out io.Writer) error {
	f, err := os.Open(s.ImportFile)
	if err != nil {
		return fmt.Errorf("cannot read the plan: %w", err)
	}
	defer f.Close()
	file, err := importer.Import(s.Import, s.ImportFile, f)
	if err != nil {
		return err
	}
	_, err = out.Write(file)
	return err
}
