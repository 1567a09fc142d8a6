package best

// least gathers the m best of many windows: cheaply, since it sorts none of them. The
// zero value with an m is empty.
type least struct {
	m     int
	found []window // the m best so far are among them, and at most as many others

	// full reports whether there are m windows. One that is not before worst is not
	// among the best of them.
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

// cut leaves the m best windows.
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

// divide moves the m best windows to the beginning, in no order. It is Hoare's
// quickselect.
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
