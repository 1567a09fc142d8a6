package powerloss

import (
	"bytes"
	"maps"
	"math/rand/v2"
)

// A disk is one folder: what is durably on it, and the steps after that.
type disk struct {
	names   map[string]*file // as the system has them
	synced  map[string]*file // as they are on the disk for certain
	pending []pendingStep    // changes of names after that
	made    map[int]*file    // by the call that made it
	begun   map[int]int      // the number of steps before a sync began, by call
	steps   int
	said    []byte
}

// A file has its content on the disk and the steps after that.
type file struct {
	synced  []byte
	pending []pendingStep
}

// A pendingStep is a change of content or of names, with the number of steps before its end, or -1.
type pendingStep struct {
	step
	ended int
}

func newDisk() *disk {
	return &disk{
		names: make(map[string]*file), synced: make(map[string]*file),
		made: make(map[int]*file), begun: make(map[int]int),
	}
}

// step carries out a step. A call can have its effect as soon as it has begun.
func (d *disk) step(s step, early bool) {
	d.steps++
	switch s.kind {
	case say:
		if !s.end {
			d.said = append(d.said, s.data...)
		}
	case create, rename, remove:
		d.rename(s)
	case write, truncate:
		f := d.names[s.name]
		if f == nil {
			return
		}
		if !s.end {
			f.pending = append(f.pending, pendingStep{s, -1})
			return
		}
		d.ended(f.pending, s)
	case sync:
		if !s.end {
			d.begun[s.call] = d.steps
		} else if !early {
			d.sync(s)
		}
	}
}

// rename carries out a step that changes names. A file that was not recorded has none.
func (d *disk) rename(s step) {
	switch {
	case s.end:
		d.ended(d.pending, s)
		return
	case s.kind == create && d.names[s.name] == nil:
		d.made[s.call] = new(file)
	case s.kind == rename && d.names[s.name] != nil:
		d.made[s.call] = d.names[s.name]
	case s.kind == remove && d.names[s.name] != nil:
	default:
		return
	}
	d.change(d.names, s)
	d.pending = append(d.pending, pendingStep{s, -1})
}

// ended notes the end of a call.
func (d *disk) ended(pending []pendingStep, s step) {
	for i := range pending {
		if pending[i].call == s.call {
			pending[i].ended = d.steps
		}
	}
}

// sync makes durable what had ended when the sync began.
func (d *disk) sync(s step) {
	if s.name == "" {
		d.pending = d.certain(d.pending, s, func(p step) { d.change(d.synced, p) })
	} else if f := d.names[s.name]; f != nil {
		f.pending = d.certain(f.pending, s, func(p step) { f.synced = apply(f.synced, p, all) })
	}
}

// certain calls do with the steps that had ended when the sync began, and returns the
// others.
func (d *disk) certain(pending []pendingStep, sync step, do func(step)) (later []pendingStep) {
	for _, p := range pending {
		if p.ended < 0 || p.ended > d.begun[sync.call] {
			later = append(later, p)
		} else {
			do(p.step)
		}
	}
	return later
}

// change makes a change of names.
func (d *disk) change(names map[string]*file, s step) {
	switch s.kind {
	case create:
		names[s.name] = d.made[s.call]
	case rename:
		names[s.to] = d.made[s.call]
		delete(names, s.name)
	case remove:
		delete(names, s.name)
	}
}

// all keeps everything.
func all() bool { return true }

// none keeps nothing.
func none() bool { return false }

// apply carries out a step on a content. keep chooses which sectors of a write are
// carried out.
func apply(content []byte, s step, keep func() bool) []byte {
	if s.kind == truncate {
		if keep() {
			content = resized(content, s.offset)
		}
		return content
	}
	for from := int64(0); from < int64(len(s.data)); {
		at := s.offset + from
		n := min(sector-at%sector, int64(len(s.data))-from)
		if keep() {
			content = resized(content, max(int64(len(content)), at+n))
			copy(content[at:], s.data[from:from+n])
		}
		from += n
	}
	return content
}

func resized(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

// fail returns what is on the disk if the power fails. How likely it is that a part
// reached the disk differs from one failure to the next.
func (d *disk) fail(rnd *rand.Rand) map[string][]byte {
	likely := []float64{0, 0.1, 0.5, 0.9, 1}[rnd.IntN(5)]
	keep := func() bool { return rnd.Float64() < likely }
	names := maps.Clone(d.synced)
	for _, p := range d.pending {
		if keep() {
			d.change(names, p.step)
		}
	}
	return contents(names, keep)
}

// cached returns what the system has.
func (d *disk) cached() map[string][]byte { return contents(d.names, all) }

func contents(names map[string]*file, keep func() bool) map[string][]byte {
	files := make(map[string][]byte)
	for name, f := range names {
		content := bytes.Clone(f.synced)
		for _, p := range f.pending {
			content = apply(content, p.step, keep)
		}
		files[name] = content
	}
	return files
}
