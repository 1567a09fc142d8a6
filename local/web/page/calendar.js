// A calendar file for an event (RFC 5545).

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const longest = 73; // bytes of a line, without its end

/** Returns the text of a file with one event that starts at a time. made is when the file was made. */
export function calendarFile({ id, start, made, name, text }) {
  return [
    'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Seatlock//EN',
    'BEGIN:VEVENT', `UID:${escaped(id)}`, `DTSTAMP:${utc(made)}`, `DTSTART:${utc(start)}`,
    `SUMMARY:${escaped(name)}`, `DESCRIPTION:${escaped(text)}`,
    'END:VEVENT', 'END:VCALENDAR',
  ].flatMap(folded).map((line) => `${line}\r\n`).join('');
}

/** Returns a time as 20270305T190000Z. */
const utc = (time) => new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');

const escaped = (text) => text.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n');

/** Folds a line that is too long. Continuation lines begin with a space, and no character is split. */
function folded(line) {
  const bytes = encoder.encode(line);
  const lines = [];
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(from + longest, bytes.length);
    while (to < bytes.length && (bytes[to] & 0xc0) === 0x80) to--;
    lines.push((from ? ' ' : '') + decoder.decode(bytes.subarray(from, to)));
    from = to;
  }
  return lines;
}
