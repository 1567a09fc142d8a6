package powerloss

import (
	"maps"
	"slices"
	"testing"
)

// played returns a disk after the steps.
func played(steps ...step) *disk {
	d := newDisk()
	for _, s := range steps {
		d.step(s, false)
	}
	return d
}

func begin(call int, s step) step {
	s.call = call
	return s
}

func end(call int, s step) step {
	s.call, s.end = call, true
	return s
}

// TestSyncOfAFolder checks that a sync makes certain only the names that were changed
// before it began.
func TestSyncOfAFolder(t *testing.T) {
	early, late, wait := step{kind: create, name: "early"}, step{kind: create, name: "late"}, step{kind: sync}
	d := played(
		begin(1, early), end(1, early),
		begin(2, late), begin(3, wait), end(2, late), end(3, wait),
	)
	if got := slices.Sorted(maps.Keys(d.synced)); !slices.Equal(got, []string{"early"}) {
		t.Errorf("certain are %q", got)
	}
	d.step(begin(4, wait), false)
	d.step(end(4, wait), false)
	if got := slices.Sorted(maps.Keys(d.synced)); !slices.Equal(got, []string{"early", "late"}) {
		t.Errorf("after another sync certain are %q", got)
	}
}

// TestUnknownNames checks that a change of the name of a file that was not recorded changes
// nothing.
func TestUnknownNames(t *testing.T) {
	d := played(step{kind: rename, name: "a", to: "b"}, step{kind: remove, name: "c"})
	if got := d.cached(); len(got) != 0 {
		t.Errorf("the system has %q", got)
	}
}
