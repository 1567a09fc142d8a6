// Draws a large venue as a whole: a dot for every seat, and for every section a
// shape that shows how full it is and opens it.

import { element, svg } from './element.js';
import { Grid } from './grid.js';
import { many } from './words.js';

const dotsAtOnce = 12_500; // in one frame

/**
 * An Overview draws the plan into host. status(position) returns the state of a seat,
 * counts(part) the counts of a part. Overview calls open(part) and reached(part) with
 * the part that the user acts on.
 */
export class Overview {
  constructor(host, plan, { status, counts, open, reached }) {
    this.plan = plan;
    this.status = status;
    this.counts = counts;
    this.canvas = element('canvas', { 'aria-hidden': 'true' });
    this.drawing = svg('svg', { role: 'grid', 'aria-label': 'Sections', focusable: 'false' });
    this.root = element('div', { class: 'overview' }, this.canvas, this.drawing);
    host.append(this.root);
    this.tiers = rings(plan.parts);
    this.shapes = this.tiers ? null : plan.parts;
    this.stage = svg('g', { class: 'stage-plan', 'aria-hidden': 'true' }, svg('ellipse'), svg('ellipse', { class: 'inner' }), svg('text', {}, 'Stage'));
    const lines = this.tiers ?? this.#lines(4);
    this.cells = [];
    const rows = lines.map((tier) => {
      const row = svg('g', { role: 'row' });
      this.drawing.append(row);
      return tier.map((i, n) => {
        const label = this.tiers ? /\S+$/.exec(plan.parts[i].name)[0] : plan.parts[i].name;
        const cell = svg('g', { role: 'gridcell', class: 'part-shape', 'data-part': i },
          svg('path'), svg('text', { class: 'name' }, `${label} `), svg('text', { class: 'left' }));
        row.append(cell);
        this.cells[i] = cell;
        return { cell, x: n / tier.length };
      });
    });
    this.drawing.append(this.stage);
    const part = (cell) => Number(cell.dataset.part);
    this.grid = new Grid(this.root, rows, { // an SVG element that listens for the focus would get it, too
      act: (cell) => open(part(cell)),
      reached: (cell) => reached(part(cell)),
      around: Boolean(this.tiers),
    });
    this.drawing.addEventListener('pointerover', ({ target }) => {
      const cell = target.closest('[role=gridcell]');
      if (cell) reached(part(cell));
    });
    this.sizes = new ResizeObserver(() => this.#lay());
    this.sizes.observe(this.root); // host has a padding
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.dark.onchange = () => this.#dots();
    this.#lay();
  }

  remove() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.frame);
    this.dark.onchange = null;
    this.root.remove();
  }

  focus(i = 0) {
    this.grid.focus(this.cells[i]);
  }

  /** Redraws the seats and the texts of their parts. */
  paint(positions) {
    const parts = new Set();
    for (const position of positions) {
      this.#dot(position);
      parts.add(this.plan.partOf[position]);
    }
    for (const i of parts) this.#say(i);
  }

  tick() {}

  magnify() {}

  #lines(across) {
    const lines = [];
    for (let i = 0; i < this.plan.parts.length; i += across) lines.push(this.plan.parts.slice(i, i + across).map((_, n) => i + n));
    return lines;
  }

  /** Places every part for the current width. */
  #lay() {
    const width = this.root.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    const height = this.tiers ? this.#bowl(width) : this.#tiles(width);
    const density = window.devicePixelRatio || 1;
    this.canvas.width = width * density;
    this.canvas.height = height * density;
    this.canvas.style.height = `${height}px`;
    this.context = this.canvas.getContext('2d');
    this.colour = '';
    this.context.scale(density, density);
    this.drawing.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.plan.parts.forEach((_, i) => {
      const path = this.outlines[i].map(([x, y], n) => `${n ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
      this.cells[i].children[0].setAttribute('d', `${path}Z`);
      const [x, y] = this.maps[i](0.5, 0.5);
      const roomy = this.room > 54;
      this.cells[i].children[1].setAttribute('x', x);
      this.cells[i].children[1].setAttribute('y', roomy ? y - 3 : y + 4);
      this.cells[i].children[2].setAttribute('x', x);
      this.cells[i].children[2].setAttribute('y', y + 13);
      this.cells[i].classList.toggle('tight', !roomy);
      this.#say(i);
    });
    this.#places();
    this.#dots();
  }

  /** Places the sections in rings around the stage, the first nearest. */
  #bowl(width) {
    const height = Math.round(Math.min(width * 0.72, 760));
    const [cx, cy] = [width / 2, height / 2];
    const [rx, ry] = [Math.min(width / 2, height * 0.72) - 2, height / 2 - 2];
    const inner = 0.4;
    const depth = (1 - inner) / this.tiers.length;
    this.maps = [];
    this.outlines = [];
    this.tiers.forEach((tier, t) => {
      const turn = (2 * Math.PI) / tier.length;
      tier.forEach((i, n) => {
        const map = (u, v) => {
          const radius = inner + (t + 0.04 + v * 0.92) * depth;
          const gap = 0.012 / radius;
          const angle = -Math.PI / 2 + (n - 0.5) * turn + gap + u * (turn - 2 * gap);
          return [cx + rx * radius * Math.cos(angle), cy + ry * radius * Math.sin(angle)];
        };
        this.maps[i] = map;
        const along = Array.from({ length: 13 }, (_, k) => k / 12);
        this.outlines[i] = [...along.map((u) => map(u, 0)), ...along.reverse().map((u) => map(u, 1))];
      });
    });
    this.room = (rx * depth + ry * depth) / 2;
    this.#setStage(cx, cy, rx * (inner - 0.12), ry * (inner - 0.12));
    return height;
  }

  /** Places the sections as tiles below the stage. */
  #tiles(width) {
    const across = Math.max(1, Math.min(4, Math.floor(width / 200)));
    const side = width / across;
    const top = 84;
    const tall = Math.min(side * 0.62, 190);
    this.maps = [];
    this.outlines = [];
    this.plan.parts.forEach((_, i) => {
      const [x, y] = [(i % across) * side, top + Math.floor(i / across) * tall];
      const map = (u, v) => [x + 6 + u * (side - 12), y + 6 + v * (tall - 12)];
      this.maps[i] = map;
      this.outlines[i] = [map(0, 0), map(1, 0), map(1, 1), map(0, 1)];
    });
    this.room = tall;
    this.#setStage(width / 2, 34, Math.min(260, width * 0.36), 28);
    return top + Math.ceil(this.plan.parts.length / across) * tall;
  }

  #setStage(cx, cy, rx, ry) {
    const [outer, inner, text] = this.stage.children;
    for (const [ellipse, less] of [[outer, 0], [inner, 7]]) {
      for (const [name, value] of Object.entries({ cx, cy, rx: rx - less, ry: ry - less })) ellipse.setAttribute(name, Math.max(1, value));
    }
    text.setAttribute('x', cx);
    text.setAttribute('y', cy + 5);
  }

  /** Computes the place and size of every seat's dot. */
  #places() {
    this.dots = new Float32Array(this.plan.ids.length * 2);
    this.size = this.plan.parts.map((part, i) => {
      const map = this.maps[i];
      const deep = part.rows.length;
      part.rows.forEach((row, r) => {
        const shift = (part.width - row.across.at(-1) - 1) / 2;
        row.across.forEach((place, n) => {
          const [x, y] = map((place + shift + 0.5) / part.width, (r + 0.5) / deep);
          this.dots.set([x, y], (row.first + n) * 2);
        });
      });
      const [[ax, ay], [bx, by], [dx, dy]] = [map(0.5, 0.3), map(0.5 + 1 / part.width, 0.3), map(0.5, 0.3 + 1 / deep)];
      return Math.max(0.9, Math.min(5, 0.8 * Math.min(Math.hypot(bx - ax, by - ay), Math.hypot(dx - ax, dy - ay))));
    });
  }

  #dots() {
    const style = getComputedStyle(this.canvas); // a custom property alone is not resolved for light or dark
    this.colours = {};
    for (const state of ['available', 'locked', 'booked', 'blocked', 'mine']) {
      this.canvas.style.color = `var(--dot-${state === 'blocked' ? 'booked' : state})`;
      this.colours[state] = style.color;
    }
    this.context.clearRect(0, 0, this.width, this.canvas.height);
    cancelAnimationFrame(this.frame);
    this.#some(0);
  }

  /** Draws some of the dots and leaves the next to the next frame, so that nothing waits. */
  #some(from) {
    const to = Math.min(from + dotsAtOnce, this.plan.ids.length);
    for (let position = from; position < to; position++) this.#dot(position, false);
    if (to < this.plan.ids.length) this.frame = requestAnimationFrame(() => this.#some(to));
  }

  #dot(position, clear = true) {
    const size = this.size[this.plan.partOf[position]];
    const [x, y] = [this.dots[position * 2] - size / 2, this.dots[position * 2 + 1] - size / 2];
    if (clear) this.context.clearRect(x - 0.1, y - 0.1, size + 0.2, size + 0.2);
    const colour = this.colours[this.status(position)] ?? this.colours.mine;
    if (colour !== this.colour) this.context.fillStyle = this.colour = colour;
    this.context.fillRect(x, y, size, size);
  }

  #say(i) {
    const { name, count } = this.plan.parts[i];
    const { available } = this.counts(i);
    const cell = this.cells[i];
    const full = available ? `${Math.floor((100 * (count - available)) / count)}% full` : 'full';
    cell.children[2].textContent = full;
    cell.children[0].setAttribute('fill-opacity', ((0.34 * available) / count).toFixed(3));
    cell.ariaLabel = `${name}, ${full}, ${available.toLocaleString('en-GB')} of ${many(count, 'seat')} available`;
  }
}

/**
 * Returns the sections as rings around the stage if they are tiers of numbered
 * sections, such as Lower 101 to 120 and Upper 201 to 220, else null.
 */
function rings(parts) {
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
