// The places of seats on the map: where the event file puts them, or else in rows that bend
// around the stage. All lengths are in seat widths.

const tableRoom = 2.4; // from table to table

/**
 * Returns the places of the seats of parts that are drawn together, as a box {left, top,
 * width, height} with parts. Each part is a box with rows, and each row has the places
 * {x, y, turn} of its seats and of its names. Parts that the file does not place are
 * boxes of their own, with x = 0 in the middle.
 */
export function stand(plan, parts) {
  const all = parts.map((part) => (plan.placed ? placed(part) : automatic(part)));
  const corners = all.flatMap(({ left, top, width, height }) => [{ x: left + 0.5, y: top + 0.5 }, { x: left + width - 0.5, y: top + height - 0.5 }]);
  return { ...bounds(corners), parts: all };
}

/** Returns the smallest box around the middles of the seats, together with the seats. */
export function bounds(seats) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of seats) {
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return left > right ? { left: 0, top: 0, width: 1, height: 1 } : { left: left - 0.5, top: top - 0.5, width: right - left + 1, height: bottom - top + 1 };
}

/** Places a part as the event file does. */
function placed(part) {
  const rows = part.rows.map(({ x, y, table }) => {
    const seats = x.map((at, i) => ({ x: at / 10, y: y[i] / 10, turn: 0 }));
    const n = seats.length;
    if (table) return around(seats);
    seats.forEach((seat, i) => {
      const [a, b] = [seats[Math.max(0, i - 1)], seats[Math.min(n - 1, i + 1)]];
      if (n > 1) seat.turn = tilt(Math.atan2(b.y - a.y, b.x - a.x));
    });
    const beyond = (end, next) => {
      const [dx, dy] = next ? [end.x - next.x, end.y - next.y] : [end === seats[0] ? -1 : 1, 0];
      const length = Math.hypot(dx, dy) || 1;
      return { x: end.x + (1.1 * dx) / length, y: end.y + (1.1 * dy) / length, turn: 0 };
    };
    return { seats, names: n > 1 ? [beyond(seats[0], seats[1]), beyond(seats[n - 1], seats[n - 2])] : [beyond(seats[0])] };
  });
  return { rows, ...bounds(rows.flatMap(({ seats }) => seats)) };
}

/** Returns the angle, in degrees, at which the numbers of a row with a direction can be read. */
function tilt(angle) {
  const degrees = (angle * 180) / Math.PI;
  return degrees > 90 ? degrees - 180 : degrees <= -90 ? degrees + 180 : degrees;
}

/** Returns the places around a table, whose name is in its middle. */
function around(seats) {
  const n = seats.length;
  const middle = { x: seats.reduce((sum, { x }) => sum + x, 0) / n, y: seats.reduce((sum, { y }) => sum + y, 0) / n, turn: 0 };
  const radius = Math.max(0.4, Math.min(...seats.map(({ x, y }) => Math.hypot(x - middle.x, y - middle.y))) - 0.55);
  return { seats, names: [middle], table: { ...middle, radius } };
}

/** Places a part for which the file has no places. */
function automatic(part) {
  if (part.rows.length && part.rows.every(({ table }) => table)) return tables(part.rows);
  const across = part.rows.map(slots);
  const width = Math.max(1, ...across.map((row) => row.at(-1) + 1));
  const bend = Math.min(2.2, width * 0.05); // how far the ends of a row come forward
  const half = width / 2;
  const rows = across.map((row, r) => {
    const middle = row.at(-1) / 2;
    const at = (x, on = x) => ({
      x, y: r + bend * (1 - (on / half) ** 2) + 0.5, turn: (-Math.atan((2 * bend * on) / half ** 2) * 180) / Math.PI,
    });
    return {
      seats: row.map((x) => at(x - middle)),
      names: [-1, 1].map((end) => at(end * (middle + 1.15), end * (middle + 0.45))),
    };
  });
  return { rows, left: -half, top: 0, width, height: part.rows.length + bend };
}

/** Places tables in a grid about twice as wide as deep. */
function tables(rows) {
  const radii = rows.map(({ count }) => Math.max(1.4, (count * 1.2) / (2 * Math.PI)));
  const pitch = 2 * Math.max(...radii) + tableRoom;
  const columns = Math.min(rows.length, Math.ceil(Math.sqrt(rows.length * 2)));
  const placed = rows.map(({ count, table }, t) => {
    const [cx, cy] = [((t % columns) - (columns - 1) / 2) * pitch, (Math.floor(t / columns) + 0.5) * pitch];
    return around(Array.from({ length: count }, (_, i) => {
      const angle = (2 * Math.PI * i) / count;
      const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
      const radius = radii[t] / (table === 'square' ? Math.max(Math.abs(sin), Math.abs(cos)) : 1);
      return { x: cx + radius * sin, y: cy - radius * cos, turn: 0 };
    }));
  });
  return { rows: placed, left: (-columns * pitch) / 2, top: 0, width: columns * pitch, height: Math.ceil(rows.length / columns) * pitch };
}

/**
 * Returns how far along the row each seat is, from the left end. An aisle is as wide as one
 * seat, or as the seats whose numbers are left out. Numbers that all step by two leave out
 * none.
 */
export function slots({ numbers, aisles, count }) {
  const gaps = leftOut(numbers);
  let place = 0;
  return Array.from({ length: count }, (_, i) => {
    const gap = gaps?.[i] || (aisles.includes(i) ? 1 : 0);
    if (i > 0) place += 1 + Math.min(2, gap);
    return place;
  });
}

/** Returns how many numbers are left out before each, or null if they neither rise nor fall. */
function leftOut(numbers) {
  const values = numbers?.map(Number);
  if (!values || values.length < 2 || !values.every(Number.isInteger)) return null;
  const steps = values.slice(1).map((n, i) => (values[1] > values[0] ? n - values[i] : values[i] - n));
  const step = Math.min(...steps);
  return step > 0 ? [0, ...steps.map((n) => Math.round(n / step) - 1)] : null;
}

/** Returns the box of the stage of a placed plan, or null. */
export function stageOf({ stage, words }) {
  if (!stage) return null;
  const { label = words.say('stage'), shape, x = 0, y = -20, width = 200, height = 40 } = stage; // its front is at 0, 0 if it has no place
  return { ...corner({ x, y, width, height }), shape, label };
}

/** Returns the box of an area, or null if it has no place. */
export function boxOf(area, i) {
  return area.width === undefined ? null : { ...corner(area), label: area.name, area: i };
}

const corner = ({ x, y, width, height }) => ({ left: (x - width / 2) / 10, top: (y - height / 2) / 10, width: width / 10, height: height / 10 });
