package boltstore

// LimitLog sets how many bytes the log of the file may have, so that a small file
// has records that were put away.
func (s *Store) LimitLog(bytes int) { s.maxLog = bytes }
