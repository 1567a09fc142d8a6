// Seats for a party, side by side, around the one that was clicked.

/** How many seats a party may have at most. */
export const largestParty = 12;

/**
 * Returns the positions of n available seats side by side, including the seat at the
 * position, or [] if there are none. They are of the same category, leave no single seat if
 * that is possible, and are as near as possible. free returns whether a seat is available.
 * Seats for wheelchairs are only taken if one is clicked.
 */
export function sideBySide(plan, position, n, free) {
  if (n === 1) return [position];
  const { first, end } = plan.segment(position);
  const category = plan.category[position];
  const kept = (p) => plan.facts.get(p)?.some((fact) => fact === 'wheelchair' || fact === 'companion');
  const ordinary = !kept(position);
  const open = (p) => p >= first && p < end && free(p) && !(ordinary && kept(p));
  let best = [];
  let least = Infinity;
  for (let start = Math.max(first, position - n + 1); start <= Math.min(position, end - n); start++) {
    const seats = Array.from({ length: n }, (_, i) => start + i);
    if (!seats.every((p) => open(p) && plan.category[p] === category)) continue;
    const alone = [[start - 1, start - 2], [start + n, start + n + 1]].filter(([next, after]) => open(next) && !open(after)).length;
    const cost = alone * 1000 + Math.abs(start + (n - 1) / 2 - position);
    if (cost < least) [best, least] = [seats, cost];
  }
  return best;
}
