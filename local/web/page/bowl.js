// The layout of an arena: numbered sections in tiers around the stage. All lengths are in
// seat widths.

import { slots } from './geometry.js';

const pitch = 1.25; // from row to row, which is more than from seat to seat, as in a real hall
const aisle = 2; // between sections, and between tiers
const aspect = 1.4; // an arena is wider than deep
const edge = 0.8; // from the middle of a seat to the outline of its section

/**
 * Returns the parts of a plan around an oval, tier by tier, with the stage in the
 * middle. tiers has the indexes of the parts. A part has rows of places {x, y, turn},
 * an outline and a label.
 */
export function bowl(plan, tiers) {
  const across = plan.parts.map((part) => part.rows.map(slots));
  const widths = across.map((rows) => Math.max(...rows.map((row) => row.at(-1) + 1)));
  const depths = tiers.map((tier) => Math.max(...tier.map((i) => plan.parts[i].rows.length)) * pitch + aisle);
  const around = Math.max(...tiers.map((tier) => tier.length * (Math.max(...tier.map((i) => widths[i])) + aisle)));
  const path = oval(around, depths.reduce((sum, d) => sum + d, 0));
  const parts = [];
  let inner = 0;
  tiers.forEach((tier, t) => {
    const share = around / tier.length;
    tier.forEach((i, n) => {
      const middle = n * share;
      const step = Math.min(1.04, (share - aisle) / widths[i]);
      const half = (step * (widths[i] - 1)) / 2;
      const at = (along, row) => path(middle + along, inner + (row + 0.5) * pitch);
      const rows = across[i].map((row, r) => {
        const end = row.at(-1) / 2;
        return {
          seats: row.map((slot) => at((slot - end) * step, r)),
          names: [-1, 1].map((side) => at(side * (end + 1.1) * step, r)),
        };
      });
      const [near, far] = [-edge / pitch, plan.parts[i].rows.length - 1 + edge / pitch];
      const sides = Array.from({ length: 13 }, (_, k) => (k / 6 - 1) * (half + edge));
      const outline = [...sides.map((s) => at(s, near)), ...sides.reverse().map((s) => at(s, far))].map(({ x, y }) => [x, y]);
      const { x, y } = at(0, (near + far) / 2);
      parts[i] = { rows, outline, label: [x, y] };
    });
    inner += depths[t];
  });
  const [top, right] = [path(0, 0), path(around / 4, 0)];
  const stage = { left: -0.74 * right.x, top: 0.74 * top.y, width: 1.48 * right.x, height: -1.48 * top.y, shape: 'round', label: plan.stage?.label ?? plan.words.say('stage') };
  return { parts, stage };
}

/**
 * Returns the path around an oval: a function of the distance along it, clockwise from the
 * middle of the top, and the distance outwards. The oval is two straight lines and two half
 * circles, and has the aspect at the distance deep.
 */
function oval(around, deep) {
  const wide = 2 * (aspect - 1);
  const radius = Math.max(around / 16, (around - 2 * wide * deep) / (2 * Math.PI + 2 * wide));
  const straight = Math.max(0, around / 2 - Math.PI * radius);
  const bend = Math.PI * radius;
  return (along, out) => {
    let s = (along + straight / 2 + 2 * around) % around; // from the left end of the upper line
    const lower = s >= straight + bend;
    if (lower) s -= straight + bend; // the lower half is the upper one, turned
    const angle = s < straight ? 0 : (s - straight) / radius;
    const x = (s < straight ? s - straight / 2 : straight / 2) + (radius + out) * Math.sin(angle);
    const y = -(radius + out) * Math.cos(angle);
    const turn = 180 + (angle * 180) / Math.PI + (lower ? 180 : 0); // with the back away from the stage
    return { x: lower ? -x : x, y: lower ? -y : y, turn: ((turn + 180) % 360) - 180 };
  };
}
