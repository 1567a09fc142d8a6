// The map of a whole venue: the places of every seat, section, area and the stage. All
// lengths are in seat widths.

import { bowl } from './bowl.js';
import { bounds, boxOf, stageOf, stand } from './geometry.js';
import { hull, rings } from './outline.js';

const title = 1.7; // above a section, for its name
const between = 1.2; // from section to section

/**
 * Returns the places of everything in a plan. x, y and turn (in degrees) are indexed by the
 * position of the seat. A part is a box with an outline, a label and rows, whose names have
 * places. tiers are the parts in rings around the stage, or null. The whole is a box,
 * too: {left, top, width, height}.
 */
export function layOut(plan) {
  const tiers = plan.large && !plan.placed ? rings(plan.parts) : null;
  const { parts, stage } = tiers ? bowl(plan, tiers) : plan.placed ? placed(plan) : plan.large ? tiles(plan) : stacked(plan);
  const areas = plan.placed ? plan.areas.map(boxOf).filter(Boolean) : [];
  const [x, y, turn] = [1, 2, 3].map(() => new Float32Array(plan.seatCount));
  const world = { parts, tiers, stage, areas, x, y, turn };
  parts.forEach((part, i) => {
    const seats = part.rows.flatMap((row) => row.seats);
    seats.forEach((seat, n) => {
      const position = plan.parts[i].first + n;
      x[position] = seat.x;
      y[position] = seat.y;
      turn[position] = seat.turn;
    });
    Object.assign(part, bounds(seats));
    part.outline ??= hull(seats);
    part.label ??= [0, 1].map((k) => part.outline.reduce((sum, p) => sum + p[k], 0) / part.outline.length);
    for (const row of part.rows) delete row.seats;
  });
  const longest = Math.max(0, ...plan.parts.flatMap(({ rows }) => rows.map(({ name }) => name.length)));
  world.aside = Math.min(5, Math.max(1.6, 0.9 + 0.27 * longest)); // space for a row's name
  const margin = plan.large ? 1 : world.aside;
  const titled = plan.large || plan.parts.length < 2 ? 0.3 : title;
  const boxes = [...parts.map(({ left, top, width, height }) => ({ left: left - margin, top: top - titled - 0.2, width: width + 2 * margin, height: height + titled + 0.8 })), ...areas, ...stage ? [stage] : []];
  const corners = boxes.flatMap(({ left, top, width, height }) => [{ x: left + 0.5, y: top + 0.5 }, { x: left + width - 0.5, y: top + height - 0.5 }]);
  return Object.assign(world, bounds(corners));
}

/** Places everything where the event file does. */
function placed(plan) {
  return { parts: stand(plan, plan.parts).parts, stage: stageOf(plan) };
}

/** Places the parts below each other, under the stage. */
function stacked(plan) {
  const { parts } = stand(plan, plan.parts);
  let y = 0;
  for (const part of parts) {
    if (y > 0) y += between;
    if (parts.length > 1) y += title - 0.6;
    shift(part, 0, y);
    y += part.height;
  }
  return { parts, stage: stageAbove(plan, Math.max(1, ...parts.map(({ width }) => width))) };
}

/** Places the parts of a large venue beside and below each other, under the stage. */
function tiles(plan) {
  const { parts } = stand(plan, plan.parts);
  const wide = Math.max(...parts.map(({ width }) => width)) + 3;
  const deep = Math.max(...parts.map(({ height }) => height)) + 3;
  const across = Math.max(1, Math.min(parts.length, Math.round(Math.sqrt((1.5 * parts.length * deep) / wide))));
  parts.forEach((part, i) => {
    const line = Math.floor(i / across);
    const inLine = Math.min(across, parts.length - line * across);
    shift(part, ((i % across) - (inLine - 1) / 2) * wide, line * deep);
  });
  return { parts, stage: stageAbove(plan, Math.min(across, parts.length) * wide) };
}

function shift({ rows }, dx, dy) {
  for (const { seats, names, table } of rows) {
    for (const place of new Set([...seats, ...names, ...table ? [table] : []])) {
      place.x += dx;
      place.y += dy;
    }
  }
}

/** Returns the box of a stage above seats of the width wide. */
function stageAbove({ stage, words }, wide) {
  const { label = words.say('stage'), shape = 'apron' } = stage ?? {};
  const width = { apron: Math.max(9, Math.min(0.88 * wide, 24, 12 + wide / 4)), round: 6 }[shape] ?? Math.max(8, Math.min(0.8 * wide, 16));
  const height = { apron: width * 0.15, round: 3.4 }[shape] ?? 1.6;
  return { left: -width / 2, top: -height - 0.7, width, height, shape, label, drawn: shape === 'apron' };
}
