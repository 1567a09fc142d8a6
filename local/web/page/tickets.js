// Descriptions of seats and places for the shop whose page shows the map.

import { priceOf } from './prices.js';

/** Returns what a user has picked, locked and booked of a plan, as a Basket of v1.d.ts. */
export function basketOf(plan, mine) {
  const seats = (positions) => [...positions].sort((a, b) => a - b).map((p) => ticket(plan, p, mine.levels.get(p)));
  const { currency } = plan;
  return {
    eventId: plan.eventId,
    picked: seats(mine.picked),
    places: mine.wanted.flatMap((counts, area) => counts.map((count, level) => placesOf(plan, area, level, count))).filter(({ count }) => count),
    locked: seats(mine.locked.keys()),
    booked: seats(mine.bought),
    ...(mine.end && { expiresAt: new Date(mine.end).toISOString() }),
    ...(currency && { currency }),
  };
}

/** Returns a seat as a Ticket of v1.d.ts. Prices are in the currency's smallest unit. */
function ticket(plan, position, level) {
  const seatId = plan.ids[position];
  const { id: category, levels } = plan.categoryOf(position) ?? {};
  const rest = compact({ category, level: level ?? levels?.[0].id, price: priceOf(plan, position, level) });
  const area = plan.areas[plan.areaOf.get(position)];
  if (area) return { seatId, section: area.name, ...rest };
  const { part, row, place } = plan.find(position);
  return { seatId, ...compact({ section: part.section || undefined, row: row.name || undefined, number: row.numbers?.[place] }), ...rest };
}

/** Returns count places of an area at a price level as a Places of v1.d.ts. */
function placesOf(plan, area, level, count) {
  const { name, category } = plan.areas[area];
  const { levels, price } = plan.categories[category] ?? {};
  return { section: name, count, ...compact({ level: levels?.[level].id, price: levels?.[level].price ?? price }) };
}

const compact = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
