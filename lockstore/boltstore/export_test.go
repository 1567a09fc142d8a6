package boltstore

// LimitLog sets the number of bytes that the log of the file may have, so that even a small
// file has records outside of its log.
func (s *Store) LimitLog(bytes int) { s.maxLog = bytes }
