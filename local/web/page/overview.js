// Draws a large venue as a whole: a dot for every seat, and for every section a
// shape that shows how full it is and opens it.

import { element, svg } from './element.js';
import { bounds, boxOf, stageOf, stand } from './geometry.js';
import { Grid } from './grid.js';
import { hull, rings, sizeOf } from './outline.js';
import { paintCategory, priceRange } from './prices.js';

const dotsAtOnce = 12_500; // in one frame

/**
 * An Overview draws the plan into host. status(position) returns the state of a seat,
 * counts(part) the counts of a part, and passes(position) whether the seat is one that
 * the user wants to see. Overview calls open(part), reached(part) and area(area) with
 * what the user acts on.
 */
export class Overview {
  constructor(host, plan, { status, counts, open, reached, passes, area }) {
    this.plan = plan;
    this.status = status;
    this.counts = counts;
    this.passes = passes;
    this.where = stand(plan, plan.parts);
    this.canvas = element('canvas', { 'aria-hidden': 'true' });
    this.drawing = svg('svg', { role: 'grid', 'aria-label': plan.words.say('map.sections'), focusable: 'false' });
    this.root = element('div', { class: 'overview' }, this.canvas, this.drawing);
    host.append(this.root);
    this.tiers = plan.placed ? null : rings(plan.parts);
    this.stage = svg('g', { class: 'stage-plan', 'aria-hidden': 'true' }, svg('rect'), svg('rect', { class: 'inner' }), svg('text', {}, plan.stage?.label ?? plan.words.say('stage')));
    this.areas = plan.placed ? plan.areas.map(boxOf).filter(Boolean) : [];
    for (const box of this.areas) {
      box.shape = svg('g', { class: 'part-shape', 'aria-hidden': 'true' }, svg('path'), svg('text', { class: 'name' }, box.label));
      box.shape.addEventListener('click', () => area(box.area));
      paintCategory(box.shape, plan, plan.areas[box.area].category);
      this.drawing.append(box.shape);
    }
    const lines = this.tiers ?? this.#lines(4);
    this.cells = [];
    const rows = lines.map((tier) => {
      const row = svg('g', { role: 'row' });
      this.drawing.append(row);
      return tier.map((i, n) => {
        const label = this.tiers ? /\S+$/.exec(plan.parts[i].name)[0] : plan.parts[i].name;
        const cell = svg('g', { role: 'gridcell', class: 'part-shape', 'data-part': i },
          svg('path'), svg('text', { class: 'name', 'data-name': label }), svg('text', { class: 'left' }));
        const { first, count } = plan.parts[i];
        const of = plan.category[first];
        if (plan.category.slice(first, first + count).every((c) => c === of)) paintCategory(cell, plan, of);
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

  /** Dims the seats that the user does not want to see. */
  filter() {
    this.#dots();
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
    const height = this.plan.placed ? this.#plan(width) : this.tiers ? this.#bowl(width) : this.#tiles(width);
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
      const [x, y] = this.labels?.[i] ?? this.maps[i](0.5, 0.5);
      const { across, deep } = sizeOf(this.outlines[i]);
      const roomy = this.tiers ? this.room > 54 : deep > 54 && across > 84;
      const name = this.cells[i].children[1];
      this.cells[i].classList.toggle('tight', !roomy);
      this.context.font = getComputedStyle(name).font;
      name.textContent = `${this.#shortened(name.dataset.name, across - 8)} `;
      this.cells[i].children[1].setAttribute('x', x);
      this.cells[i].children[1].setAttribute('y', roomy ? y - 3 : y + 4);
      this.cells[i].children[2].setAttribute('x', x);
      this.cells[i].children[2].setAttribute('y', y + 13);
      this.#say(i);
    });
    for (const { shape, outline } of this.areas) {
      shape.children[0].setAttribute('d', `M${outline.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`);
      shape.children[1].setAttribute('x', (outline[0][0] + outline[2][0]) / 2);
      shape.children[1].setAttribute('y', (outline[0][1] + outline[2][1]) / 2 + 5);
    }
    this.#places();
    this.#dots();
  }

  /** Returns the name so that it fits into the width. */
  #shortened(name, width) {
    if (this.tiers || this.context.measureText(name).width <= width) return name;
    for (let n = name.length - 1; n > 1; n--) {
      const short = `${name.slice(0, n).trimEnd()}…`;
      if (this.context.measureText(short).width <= width) return short;
    }
    return '';
  }

  /** Places everything where the event file does. */
  #plan(width) {
    const stage = stageOf(this.plan);
    const corners = [this.where, ...(stage ? [stage] : []), ...this.areas].flatMap(({ left, top, width: w, height }) => [{ x: left, y: top }, { x: left + w, y: top + height }]);
    const box = bounds(corners);
    const scale = Math.min(width / box.width, 820 / box.height);
    const aside = (width - box.width * scale) / 2;
    const at = (x, y) => [aside + (x - box.left) * scale, (y - box.top) * scale];
    this.maps = this.where.parts.map((part) => (u, v) => at(part.left + u * part.width, part.top + v * part.height));
    const hulls = this.where.parts.map(({ rows }) => hull(rows.flatMap(({ seats }) => seats)));
    this.outlines = hulls.map((points) => points.map(([x, y]) => at(x, y)));
    this.labels = this.outlines.map((points) => [0, 1].map((k) => points.reduce((sum, p) => sum + p[k], 0) / points.length));
    for (const area of this.areas) {
      const [right, bottom] = [area.left + area.width, area.top + area.height];
      area.outline = [at(area.left, area.top), at(right, area.top), at(right, bottom), at(area.left, bottom)];
    }
    this.stage.style.display = stage ? '' : 'none';
    if (stage) {
      const [cx, cy] = at(stage.left + stage.width / 2, stage.top + stage.height / 2);
      this.#setStage(cx, cy, (stage.width * scale) / 2, (stage.height * scale) / 2, stage.shape === 'straight' ? 4 : undefined);
    }
    return Math.ceil(box.height * scale);
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

  /** Places the stage, an ellipse or a box with round corners. */
  #setStage(cx, cy, rx, ry, corner) {
    const [outer, inner, text] = this.stage.children;
    for (const [box, less] of [[outer, 0], [inner, Math.min(7, ry / 3)]]) {
      const [w, h] = [rx - less, ry - less];
      const shape = { x: cx - w, y: cy - h, width: 2 * w, height: 2 * h, rx: corner ?? w, ry: corner ?? h };
      for (const [name, value] of Object.entries(shape)) box.setAttribute(name, value);
    }
    text.setAttribute('x', cx);
    text.setAttribute('y', cy + 5);
  }

  /** Computes the place and size of every seat's dot. */
  #places() {
    this.dots = new Float32Array(this.plan.ids.length * 2);
    this.size = this.plan.parts.map((part, i) => {
      const map = this.maps[i];
      const { rows, left, top, width, height } = this.where.parts[i];
      part.rows.forEach((row, r) => rows[r].seats.forEach((seat, n) => {
        this.dots.set(map((seat.x - left) / width, (seat.y - top) / height), (row.first + n) * 2);
      }));
      const [[ax, ay], [bx, by], [dx, dy]] = [map(0.5, 0.3), map(0.5 + 1 / width, 0.3), map(0.5, 0.3 + 1 / height)];
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
    this.ofCategory = this.plan.categories.map((_, i) => {
      paintCategory(this.canvas, this.plan, i);
      this.canvas.style.color = 'var(--cat)';
      return style.color;
    });
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
    const colour = this.#colour(this.status(position), position);
    if (colour !== this.colour) this.context.fillStyle = this.colour = colour;
    this.context.fillRect(x, y, size, size);
  }

  #colour(state, position) {
    const { colours } = this;
    if (state === 'available') return this.passes(position) ? this.ofCategory[this.plan.category[position]] ?? colours.available : colours.booked;
    if (state === 'locked' && this.ofCategory.length) return colours.booked; // its colour may be a category's
    return colours[state] ?? colours.mine;
  }

  /** Returns "from €21.00" for a part with prices. */
  #price(i) {
    const { first, count } = this.plan.parts[i];
    const priced = [...new Set(this.plan.category.slice(first, first + count))].map((c) => this.plan.categories[c]).filter((c) => c?.price !== undefined);
    return priced.length ? priceRange(this.plan, { price: priced[0].price, levels: priced.flatMap(({ price, levels = [] }) => [{ price }, ...levels]) }) : '';
  }

  #say(i) {
    const { name, count } = this.plan.parts[i];
    const { available } = this.counts(i);
    const cell = this.cells[i];
    const { words } = this.plan;
    const percent = words.percent(Math.floor((100 * (count - available)) / count) / 100);
    const full = available ? words.say('part.filled', { percent }) : words.say('part.full');
    cell.children[2].textContent = full;
    cell.children[0].setAttribute('fill-opacity', ((0.34 * available) / count).toFixed(3));
    cell.ariaLabel = words.join([name, full, words.say('part.left', { left: available, n: count }), this.#price(i)]);
  }
}
