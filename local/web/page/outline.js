// The outlines of sections, and the overall layout of a venue without places.

/** Returns the width and the depth of an outline. */
export function sizeOf(points) {
  const [xs, ys] = [0, 1].map((k) => points.map((p) => p[k]));
  return { across: Math.max(...xs) - Math.min(...xs), deep: Math.max(...ys) - Math.min(...ys) };
}

/** Returns the convex hull around seats, by Andrew's monotone chain. */
export function hull(seats) {
  const margin = 0.8;
  const points = seats.flatMap(({ x, y }) => [[x - margin, y - margin], [x + margin, y - margin], [x - margin, y + margin], [x + margin, y + margin]]);
  points.sort(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const half = (all) => {
    const chain = [];
    for (const p of all) {
      while (chain.length > 1) {
        const [[ax, ay], [bx, by]] = chain.slice(-2);
        if ((bx - ax) * (p[1] - ay) > (by - ay) * (p[0] - ax)) break;
        chain.pop();
      }
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  return [...half(points), ...half(points.reverse())];
}

/** Returns whether a point is inside an outline. */
export function contains(points, [x, y]) {
  let inside = false;
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points.at(i - 1);
    if (ay > y !== by > y && x < ax + ((bx - ax) * (y - ay)) / (by - ay)) inside = !inside;
  });
  return inside;
}

/**
 * Returns the sections as rings around the stage if they are tiers of numbered
 * sections, such as Lower 101 to 120 and Upper 201 to 220, else null.
 */
export function rings(parts) {
  const tiers = new Map();
  for (const [i, { name }] of parts.entries()) {
    const numbered = /^(.*\S)?\s*\b\d+$/.exec(name);
    if (!numbered) return null;
    const tier = numbered[1] ?? '';
    if (!tiers.has(tier)) tiers.set(tier, []);
    tiers.get(tier).push(i);
  }
  const all = [...tiers.values()];
  return all.length <= 4 && all.every((tier) => tier.length >= 8) ? all : null;
}
