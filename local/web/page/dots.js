// Draws the seats of a large venue that are not elements: as dots, or as outlines of chairs
// once they are larger. A picture is drawn a little in each frame, and replaces the previous
// one when it is complete.

import { element } from './element.js';
import { paintCategory } from './prices.js';
import { unit } from './viewport.js';

const budget = 6; // ms of a frame
const chairs = 6; // px from which dots are turned like their seats
const many = 4000; // seats that are not drawn one by one
const beyond = 0.4; // of the view, drawn on each side of it

/**
 * Dots draws seats on the layer of a viewport. status(position) returns the state of a
 * seat, and passes(position) whether the user wants to see it.
 */
export class Dots {
  #shown; // the visible picture
  #next; // the one being drawn
  #frame = 0;
  #known = false; // whether seat states are known: paint is first called once they are
  #without = null; // the part that is left out

  constructor(viewport, plan, world, { status, passes }) {
    this.viewport = viewport;
    this.plan = plan;
    this.world = world;
    this.status = status;
    this.passes = passes;
    this.root = element('div', { class: 'dots', 'aria-hidden': 'true' });
    viewport.layer.append(this.root);
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.dark.onchange = () => this.redraw();
  }

  remove() {
    cancelAnimationFrame(this.#frame);
    this.dark.onchange = null;
    this.root.remove();
  }

  /** Draws the visible seats, unless that is done. It leaves out those of the part without. */
  draw(without = null) {
    this.#without = without;
    if (!this.#known) return;
    const { size, view } = this.viewport;
    const inside = ({ area }) => view.left >= area.left - 0.01 && view.top >= area.top - 0.01
      && view.left + view.width <= area.left + area.width + 0.01 && view.top + view.height <= area.top + area.height + 0.01;
    const last = this.#next ?? this.#shown;
    if (last && last.size === size && last.without === without && inside(last)) return;
    this.#begin();
  }

  /** Draws everything again, since the colours have changed. */
  redraw() {
    this.#colours = undefined;
    if (this.#known) this.#begin();
  }

  /** Draws the seats again that have changed. */
  paint(positions) {
    if (positions.size > many || !this.#known) {
      this.#known = true;
      this.#begin();
      return;
    }
    const pictures = [this.#shown, this.#next].filter(Boolean);
    for (const position of positions) for (const picture of pictures) this.#dot(picture, position, true);
  }

  #begin() {
    const without = this.#without;
    const { size, view, box } = this.viewport;
    const clip = (at, length, from, whole) => {
      const start = Math.max(from, at - beyond * length);
      return [start, Math.min(from + whole, at + (1 + beyond) * length) - start];
    };
    const [left, width] = clip(view.left, view.width, box.left, box.width);
    const [top, height] = clip(view.top, view.height, box.top, box.height);
    if (width <= 0 || height <= 0) return;
    const density = Math.min(2, window.devicePixelRatio || 1);
    const canvas = element('canvas', { width: Math.ceil(width * size * density), height: Math.ceil(height * size * density) });
    for (const [name, value] of Object.entries({ left: left - box.left, top: top - box.top, width, height })) canvas.style[name] = `${value * unit}px`;
    const parts = this.plan.parts.filter((_, i) => {
      const part = this.world.parts[i];
      return i !== without && part.left < left + width && part.left + part.width > left && part.top < top + height && part.top + part.height > top;
    });
    cancelAnimationFrame(this.#frame);
    this.#next = { canvas, context: canvas.getContext('2d'), area: { left, top, width, height }, size, scale: size * density, without };
    this.#some(parts, 0, 0);
    if (!this.#shown) this.root.append(canvas); // part of the first picture is better than nothing
  }

  /** Draws some of the dots and leaves the others to the next frame. */
  #some(parts, i, n) {
    const end = performance.now() + budget;
    for (; i < parts.length; [i, n] = [i + 1, 0]) {
      const { first, count } = parts[i];
      for (; n < count; n++) {
        this.#dot(this.#next, first + n, false);
        if (n % 200 === 199 && performance.now() > end) {
          this.#frame = requestAnimationFrame(() => this.#some(parts, i, n + 1));
          return;
        }
      }
    }
    this.root.replaceChildren(this.#next.canvas);
    this.#shown = this.#next;
    this.#next = undefined;
  }

  #dot(picture, position, again) {
    const { context, area, scale, size, without } = picture;
    if (this.plan.partOf[position] === without) return;
    const x = (this.world.x[position] - area.left) * scale;
    const y = (this.world.y[position] - area.top) * scale;
    if (x < -scale || y < -scale || x > context.canvas.width + scale || y > context.canvas.height + scale) return;
    const state = this.status(position);
    const side = Math.max(0.9, scale * (size >= chairs && (state === 'booked' || state === 'blocked') ? 0.5 : 0.78));
    const turned = size >= chairs;
    if (turned) {
      const angle = (this.world.turn[position] * Math.PI) / 180;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      context.setTransform(cos, sin, -sin, cos, x, y);
    } else context.setTransform(1, 0, 0, 1, x, y);
    if (again) {
      const whole = scale * 0.78 + 1;
      context.clearRect(-whole / 2, -whole / 2, whole, whole);
    }
    const colour = this.#colour(state, position);
    if (colour !== picture.colour) context.fillStyle = picture.colour = colour;
    context.fillRect(-side / 2, -side / 2, side, side);
  }

  #colours;

  #colour(state, position) {
    this.#colours ??= this.#resolve();
    const { states, categories } = this.#colours;
    if (state === 'available') return this.passes(position) ? categories[this.plan.category[position]] ?? states.available : states.booked;
    if (state === 'locked' && categories.length) return states.booked; // its colour may be a category's
    return states[state] ?? states.mine;
  }

  /** Resolves the colours of the stylesheet for light or dark. */
  #resolve() {
    const probe = element('i', {});
    this.root.append(probe);
    const style = getComputedStyle(probe); // custom properties by themselves are not resolved
    const states = {};
    for (const state of ['available', 'locked', 'booked', 'blocked', 'mine']) {
      probe.style.color = `var(--dot-${state === 'blocked' ? 'booked' : state})`;
      states[state] = style.color;
    }
    const categories = this.plan.categories.map((_, i) => {
      paintCategory(probe, this.plan, i);
      probe.style.color = 'var(--cat)';
      return style.color;
    });
    probe.remove();
    return { states, categories };
  }
}
