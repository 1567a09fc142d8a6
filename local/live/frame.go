package live

import (
	"encoding/binary"

	"seatlock/functions/seatlist"
)

// writeFrame writes a compressed list as one frame, which viewers share. The websocket
// package would compress it again for each of them.
//
// The frame is written below ws. That is safe: this goroutine writes all
// messages, ws writes a control frame in one call, and a net.Conn does not interleave
// concurrent writes.
func (v *viewer) writeFrame(l *seatlist.List) error {
	_, err := v.conn.Write(l.Framed(frameHead))
	return err
}

// frameHead returns the head of a compressed text message in one frame from a
// server (RFC 6455, section 5.2, and RFC 7692, section 6).
func frameHead(length int) []byte {
	const final, compressed, text = 0x80, 0x40, 0x01
	const first = final | compressed | text
	switch {
	case length < 126:
		return []byte{first, byte(length)}
	case length < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(length))
	}
	return binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(length))
}
