// Draws the stage and the areas.

import { element, svg } from './element.js';
import { paintCategory } from './prices.js';
import { unit } from './viewport.js';

/** Draws the stage and the areas of a world on a layer. A click on an area calls reach with its index. */
export function drawScenery(layer, plan, world, reach) {
  const { stage } = world;
  if (stage?.drawn) layer.append(place(apron(stage.label), world, stage));
  else if (stage) layer.append(place(box('stage-box', stage), world, stage));
  for (const area of world.areas) {
    const drawn = place(box('area-box', area), world, area);
    paintCategory(drawn, plan, plan.areas[area.area].category);
    drawn.addEventListener('click', () => reach(area.area));
    layer.append(drawn);
  }
}

function place(el, world, { left, top, width, height }) {
  for (const [name, value] of Object.entries({ left: left - world.left, top: top - world.top, width, height })) el.style[name] = `${(value * unit).toFixed(1)}px`;
  return el;
}

function box(name, { shape, label, width, height }) {
  const text = element('span', {}, label);
  const el = element('div', { class: name, 'data-shape': shape, 'aria-hidden': 'true' }, text);
  text.style.fontSize = `${Math.min(height * 0.4, width / Math.max(6, label.length) * 0.9, Math.max(1.2, width / 14)) * unit}px`;
  return el;
}

/** Draws a stage with boards and lights, as seen from the seats. */
function apron(label) {
  const lights = [[60, 48], [114, 57.5], [174, 65.5], [237, 70.3], [300, 72], [363, 70.3], [426, 65.5], [486, 57.5], [540, 48]];
  return svg('svg', { class: 'stage', viewBox: '0 0 600 90', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { class: 'boards', d: 'M34 4H566L598 34Q300 118 2 34Z' }),
    svg('path', { class: 'apron', d: 'M2 34Q300 118 598 34V40Q300 126 2 40Z' }),
    svg('path', { class: 'grain', d: 'M96 4 72 47M166 4 146 59M234 4 224 66M300 4V69M366 4 376 66M434 4 454 59M504 4 528 47' }),
    svg('g', { class: 'lights' }, ...lights.map(([cx, cy]) => svg('circle', { cx, cy, r: 2.6 }))),
    svg('text', { x: 300, y: 40 }, label));
}
