package boot

import (
	"os"
	"path/filepath"
	"testing"

	"seatlock/functions/settings"
)

// TestSeatLimit checks that a user may have ten seats of an event unless SEAT_LIMIT or the
// event file says otherwise, and that 0 is no limit.
func TestSeatLimit(t *testing.T) {
	root := t.TempDir()
	file := `{"events":[{"id":"plain","seats":["A1"]},{"id":"own","seatLimit":3,"seats":["A1"]}]}`
	if err := os.WriteFile(filepath.Join(root, bundled), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]int{"": 10, "0": 0, "4": 4} {
		var s settings.Events
		if err := settings.ReadLambda(func(name string) string { return map[string]string{"SEAT_LIMIT": given}[name] }, &s); err != nil {
			t.Fatal(err)
		}
		events, err := readEvents(s, root)
		if err != nil {
			t.Fatal(err)
		}
		if events[0].SeatLimit != want || events[1].SeatLimit != 3 {
			t.Errorf("SEAT_LIMIT=%s: the limits are %d and %d, want %d and 3", given, events[0].SeatLimit, events[1].SeatLimit, want)
		}
	}
}
