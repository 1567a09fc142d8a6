// Names and descriptions of seats, in the language of their plan.

import { priceRange } from './prices.js';

/** Returns "Stalls, row C, seat 7", as far as the event file names them. */
export function seatName(plan, position) {
  const area = plan.areas[plan.areaOf.get(position)];
  if (area) return area.name;
  const { part, row, place } = plan.find(position);
  if (!row.numbers) return plan.words.join([part.name, plan.ids[position]]);
  return inRow(plan.words, part.name, row.name, [row.numbers[place]]);
}

/** Returns the text on the seat: its number, or the end of its id. */
export function seatNumber(row, place, id) {
  const number = row.numbers ? row.numbers[place] : id.replace(/^.*[-:_.](?=.)/, '').slice(-4);
  return number.length > 5 ? `${number.slice(0, 4)}…` : number;
}

function inRow(words, section, row, numbers) {
  const key = `seats${section ? '.section' : ''}${row ? '.row' : ''}`;
  return words.say(key, { section, row, seats: words.list(numbers), n: numbers.length });
}

/** Returns "Stalls, row C": where the seat is, without its number. */
export function placeName(plan, position) {
  const { part, row } = plan.find(position);
  if (!row.numbers || !row.name) return part.name;
  return part.name ? plan.words.say('row.section', { section: part.name, row: row.name }) : plan.words.say('row', { row: row.name });
}

/** Names seats in a sentence, by row: "Stalls, row C, seats 7 and 8". */
export function seatNames(plan, positions) {
  const { words } = plan;
  const rows = new Map();
  const places = new Map();
  for (const position of [...positions].sort((a, b) => a - b)) {
    const area = plan.areas[plan.areaOf.get(position)]?.name;
    if (area !== undefined) {
      places.set(area, (places.get(area) ?? 0) + 1);
      continue;
    }
    const { part, row, place } = plan.find(position);
    const where = [part.name, row.numbers ? row.name : ''];
    const key = JSON.stringify(where);
    if (!rows.has(key)) rows.set(key, { where, numbers: [] });
    rows.get(key).numbers.push(row.numbers ? row.numbers[place] : plan.ids[position]);
  }
  return words.joinGroups([
    ...[...rows.values()].map(({ where, numbers }) => inRow(words, ...where, numbers)),
    ...[...places].map(([area, n]) => words.say('places', { area, n })),
  ]);
}

const facts = ['wheelchair', 'companion', 'restrictedView'];

/** Returns the name of a special feature of a seat. */
export const factName = (words, fact) => (facts.includes(fact) ? words.say(`fact.${fact}`) : fact);

/** Returns what is special about the seat, in words. */
export function special(plan, position) {
  const note = plan.notes.get(position);
  return [...(plan.facts.get(position) ?? []).map((fact) => factName(plan.words, fact)), ...(note ? [note] : [])];
}

/** Returns the state of a seat in words. left is the time left on its lock in ms, if it has one. */
export function stateName(words, state, left) {
  if (state !== 'locked' && state !== 'yours') return words.say(`state.${state}`);
  return words.say(`state.${state}.for`, { time: words.duration(left) });
}

/** Returns "available, €42.00, restricted view": what a buyer wants to know about the seat. */
export function worth(plan, position, state, left) {
  const taken = ['locked', 'booked', 'blocked'].includes(state);
  const category = taken ? undefined : plan.categoryOf(position);
  return plan.words.join([
    stateName(plan.words, state, left),
    category && (priceRange(plan, category) || category.name),
    ...(taken ? [] : special(plan, position)),
  ]);
}
