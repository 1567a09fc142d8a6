package best

// least finds the m best of many windows without sorting them. The zero value with m
// set is empty.
type least struct {
	m     int
	found []window // includes the m best so far, and at most m others

	// full reports whether there are m windows. Then only windows that are before worst
	// can be among the m best.
	full  bool
	worst window
}

func (l *least) add(w window) {
	if l.full && !w.before(l.worst) {
		return
	}
	l.found = append(l.found, w)
	if len(l.found) == l.m && !l.full || len(l.found) == 2*l.m {
		l.cut()
	}
}

// cut keeps only the m best windows.
func (l *least) cut() {
	if len(l.found) < l.m {
		return
	}
	divide(l.found, l.m)
	l.found = l.found[:l.m]
	l.full, l.worst = true, l.found[0]
	for _, w := range l.found {
		if l.worst.before(w) {
			l.worst = w
		}
	}
}

// divide moves the m best windows to the beginning, in no particular order. It is
// Hoare's quickselect.
func divide(all []window, m int) {
	for m > 0 && m < len(all) {
		pivot := all[len(all)/2]
		i, j := 0, len(all)-1
		for i <= j {
			for all[i].before(pivot) {
				i++
			}
			for pivot.before(all[j]) {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case m <= j:
			all = all[:j+1]
		case m > i:
			all, m = all[i:], m-i
		default:
			return
		}
	}
}
