// The visible part of the map, and its scale. The map is drawn on a layer that is scaled as
// a whole, which costs the same for ten seats and for a thousand.

/** The size of a seat on the layer before it is scaled, in px. */
export const unit = 32;
const largest = 64; // px from seat to seat
const largestAtFirst = 38;
const lowest = 0.6; // of the maximum height, for a map that can be enlarged
const lasts = 260; // ms that a move to another place takes
const still = 140; // ms without movement after which the map is at rest

/**
 * A Viewport shows a box {left, top, width, height}, in seat widths, in an element that
 * scrolls. At first the whole box is in view. Draw on its layer, with unit pixels to a seat.
 * Viewport calls moved() while the user moves the map, and settled(byHand) when it is at
 * rest. byHand is whether the user has moved it since the last time.
 */
export class Viewport {
  #timer;
  #frame = 0;
  #goal = 0; // the animation frame of a move under way
  #aim = 0; // the size at the end of the move
  #byHand = false;
  // Until the element is shown:
  size = unit;
  least = unit;
  wide = 1;
  tall = 1;

  constructor(scroller, box, { moved, settled }) {
    this.scroller = scroller;
    this.box = box;
    this.moved = moved;
    this.settled = settled;
    this.layer = document.createElement('div');
    this.layer.className = 'layer';
    this.plane = document.createElement('div');
    this.plane.className = 'plane';
    this.plane.append(this.layer);
    scroller.append(this.plane);
    this.reduced = matchMedia('(prefers-reduced-motion: reduce)');
    this.onScroll = () => this.#move();
    scroller.addEventListener('scroll', this.onScroll, { passive: true });
    this.sizes = new ResizeObserver(() => this.#resize());
    this.sizes.observe(scroller.parentElement);
    this.#resize();
  }

  remove() {
    this.sizes.disconnect();
    this.scroller.removeEventListener('scroll', this.onScroll);
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    cancelAnimationFrame(this.#goal);
    this.plane.remove();
    this.scroller.style.height = '';
  }

  /** Whether the whole box is in view. */
  get fitted() {
    return this.size <= this.least * 1.001;
  }

  /** Whether the view is moving to another place. */
  get changing() {
    return this.#goal > 0;
  }

  /** The size, or the one to which it is changing. */
  get aim() {
    return this.#goal ? this.#aim : this.size;
  }

  /** Whether seats have the largest size. */
  get full() {
    return this.size >= largest * 0.999;
  }

  /** The visible box. */
  get view() {
    const { scroller, size, box, wide, tall } = this;
    const { scrollLeft, scrollTop } = this.fitted ? { scrollLeft: 0, scrollTop: 0 } : scroller; // to ask is a layout
    return {
      left: box.left + (scrollLeft - this.#aside(size)) / size,
      top: box.top + (scrollTop - this.#above(size)) / size,
      width: wide / size,
      height: tall / size,
    };
  }

  get middle() {
    const { left, top, width, height } = this.view;
    return [left + width / 2, top + height / 2];
  }

  /** Returns what is at a point of the window. */
  at(clientX, clientY) {
    const { left, top } = this.view;
    const { x, y } = this.scroller.getBoundingClientRect();
    return [left + (clientX - x) / this.size, top + (clientY - y) / this.size];
  }

  /** Returns the size at which a box, in seat widths, fits into the view. */
  sizeFor(width, height) {
    return Math.min(this.wide / width, this.tall / height);
  }

  /** Zooms, and keeps what is at a point of the window there. */
  magnify(factor, clientX, clientY) {
    this.#cancel();
    this.#hold(this.size * factor, this.at(clientX, clientY), clientX, clientY);
  }

  /** Scrolls by some px, and returns how many were left over. */
  pan(dx, dy) {
    this.#cancel();
    this.#byHand = true;
    const { scrollLeft, scrollTop } = this.scroller;
    this.scroller.scrollBy({ left: dx, top: dy, behavior: 'instant' });
    return [dx - (this.scroller.scrollLeft - scrollLeft), dy - (this.scroller.scrollTop - scrollTop)];
  }

  /** Records that the user has moved the map. */
  touched() {
    this.#byHand = true;
  }

  /** Moves until a place is in the middle, or as near to it as the map allows, and seats have the size. */
  show([x, y], size, atOnce = this.reduced.matches) {
    this.#cancel();
    const to = this.#bounded(size);
    const { x: hostX, y: hostY } = this.scroller.getBoundingClientRect();
    const middle = [hostX + this.wide / 2, hostY + this.tall / 2];
    const { left, top } = this.view;
    const from = [hostX + (x - left) * this.size, hostY + (y - top) * this.size];
    const before = this.size;
    if (atOnce) {
      this.#hold(to, [x, y], ...middle);
      return;
    }
    this.#aim = to;
    const began = performance.now();
    this.scroller.classList.add('moving');
    const step = (now) => {
      const t = Math.min(1, Math.max(0, now - began) / lasts);
      const eased = 1 - (1 - t) ** 3;
      this.#hold(before * (to / before) ** eased, [x, y], ...[0, 1].map((k) => from[k] + (middle[k] - from[k]) * eased));
      this.#goal = t < 1 ? requestAnimationFrame(step) : 0;
      if (!this.#goal) this.scroller.classList.remove('moving');
    };
    this.#goal = requestAnimationFrame(step);
  }

  /** Shows all of the box. */
  showAll() {
    const { left, top, width, height } = this.box;
    this.show([left + width / 2, top + height / 2], this.least);
  }

  #cancel() {
    cancelAnimationFrame(this.#goal);
    this.#goal = 0;
    this.scroller.classList.remove('moving');
  }

  #bounded(size) {
    return Math.min(largest, Math.max(this.least, size));
  }

  #aside(size) {
    return Math.max(0, (this.wide - this.box.width * size) / 2);
  }

  #above(size) {
    return Math.max(0, (this.tall - this.box.height * size) / 2);
  }

  /** Draws seats in a size, with a place at a point of the window. */
  #hold(size, [x, y], clientX, clientY) {
    const { scroller, box } = this;
    this.size = this.#bounded(size);
    this.#scale();
    const { x: hostX, y: hostY } = scroller.getBoundingClientRect();
    scroller.scrollTo({
      left: (x - box.left) * this.size + this.#aside(this.size) - (clientX - hostX),
      top: (y - box.top) * this.size + this.#above(this.size) - (clientY - hostY),
      behavior: 'instant',
    });
    this.#move();
  }

  #scale() {
    const { size, box, wide, tall } = this;
    this.plane.style.width = `${Math.max(wide, box.width * size)}px`;
    this.plane.style.height = `${Math.max(tall, box.height * size)}px`;
    this.layer.style.transform = `translate(${this.#aside(size)}px, ${this.#above(size)}px) scale(${size / unit})`;
    this.scroller.classList.toggle('fitted', this.fitted);
    const detail = size < 11 ? 'dots' : size < 18 ? 'far' : 'near';
    if (this.scroller.dataset.detail !== detail) this.scroller.dataset.detail = detail;
  }

  #move() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.moved();
    });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rest(), still);
  }

  #rest() {
    if (this.#goal) return; // this runs again at the end of the move
    const byHand = this.#byHand;
    this.#byHand = false;
    this.settled(byHand);
  }

  #resize() {
    const { scroller, box } = this;
    const wide = scroller.clientWidth;
    const tallest = parseFloat(getComputedStyle(scroller).maxHeight) || 560;
    if (!wide || (wide === this.wide && tallest === this.tallest)) return;
    const first = this.tallest === undefined;
    const [middle, fitted] = first ? [] : [this.middle, this.fitted];
    [this.wide, this.tallest] = [wide, tallest];
    this.least = Math.min(largestAtFirst, wide / box.width, tallest / box.height);
    this.tall = Math.round(Math.min(tallest, Math.max(box.height * this.least, Math.min(box.height * largest, lowest * tallest))));
    scroller.style.height = `${this.tall}px`;
    this.#cancel();
    this.size = first || fitted ? this.least : this.#bounded(this.size);
    this.#scale();
    if (!first && !fitted) {
      const { x, y } = scroller.getBoundingClientRect();
      this.#hold(this.size, middle, x + wide / 2, y + this.tall / 2);
    } else this.#move();
  }
}
