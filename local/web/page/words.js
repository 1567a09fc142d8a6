// How seats and times are written, on the page and for a screen reader.

import { priceRange } from './prices.js';

/** Returns "Stalls, row C, seat 7", as far as the event file names them. */
export function seatName(plan, position) {
  const area = plan.areas[plan.areaOf.get(position)];
  if (area) return area.name;
  const { part, row, place } = plan.find(position);
  const id = plan.ids[position];
  if (!row.numbers) return [part.name, id].filter(Boolean).join(', ');
  return [part.name, row.name && `row ${row.name}`, `seat ${row.numbers[place]}`].filter(Boolean).join(', ');
}

/** Returns the text on the seat: its number, or the end of its id. */
export function seatNumber(row, place, id) {
  const number = row.numbers ? row.numbers[place] : id.replace(/^.*[-:_.](?=.)/, '').slice(-4);
  return number.length > 5 ? `${number.slice(0, 4)}…` : number;
}

/** What can be special about a seat, in words. */
export const factNames = { wheelchair: 'wheelchair place', companion: 'companion seat', restrictedView: 'restricted view' };

/** Returns what is special about the seat, in words. */
export function special(plan, position) {
  const note = plan.notes.get(position);
  return [...(plan.facts.get(position) ?? []).map((fact) => factNames[fact] ?? fact), ...(note ? [note] : [])];
}

/** Returns ", €42.00, restricted view": what a buyer wants to know about the seat. */
export function worth(plan, position) {
  const category = plan.categoryOf(position);
  return ['', ...(category ? [priceRange(plan, category) || category.name] : []), ...special(plan, position)].join(', ');
}

/** Names seats in a sentence, by row: "Stalls, row C, seats 7 and 8". */
export function seatNames(plan, positions) {
  const rows = new Map();
  const places = new Map();
  for (const position of [...positions].sort((a, b) => a - b)) {
    const area = plan.areas[plan.areaOf.get(position)]?.name;
    if (area !== undefined) {
      places.set(area, (places.get(area) ?? 0) + 1);
      continue;
    }
    const { part, row, place } = plan.find(position);
    const where = [part.name, row.numbers && row.name && `row ${row.name}`].filter(Boolean).join(', ');
    if (!rows.has(where)) rows.set(where, []);
    rows.get(where).push(row.numbers ? row.numbers[place] : plan.ids[position]);
  }
  const groups = [...rows].map(([where, seats]) => `${where}${where ? ', ' : ''}seat${seats.length > 1 ? 's' : ''} ${and(seats)}`);
  for (const [area, n] of places) groups.push(`${many(n, 'place')} in ${area}`);
  return capital(groups.length > 1 ? groups.join('; ') : groups[0] ?? '');
}

export function and(list) {
  return list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`;
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const many = (n, one, more = `${one}s`) => `${n.toLocaleString('en-GB')} ${n === 1 ? one : more}`;

/** Returns "42 seconds" or "3 minutes". */
export function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 120) return many(seconds, 'second');
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? many(minutes, 'minute') : many(Math.floor(minutes / 60), 'hour');
}

/** Returns "1:42", for a countdown. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, '0');
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The states of a seat in words. */
export const stateNames = {
  available: 'available',
  locked: 'locked',
  booked: 'booked',
  blocked: 'not for sale',
  picked: 'picked by you',
  asking: 'picked by you',
  yours: 'locked by you',
  bought: 'booked by you',
};

export function stateName(state, left) {
  const name = stateNames[state];
  if (state === 'locked' || state === 'yours') return `${name} for ${duration(left)}`;
  return name;
}
