// A small picture of the whole venue that shows which part of it is in view.

import { element, svg } from './element.js';

/** A Minimap shows the view of a viewport unless the whole venue is in view. A press on it moves the view there. */
export class Minimap {
  constructor(host, viewport, world) {
    this.viewport = viewport;
    const { left, top, width, height, parts, stage, areas } = world;
    const box = ({ left: x, top: y, width: w, height: h, shape }, name) => svg('rect', { class: name, x, y, width: w, height: h, rx: shape === 'round' ? w / 2 : 0, ry: shape === 'round' ? h / 2 : 0 });
    const outlines = parts.map(({ outline }) => `M${outline.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`).join('');
    this.frame = svg('rect', { class: 'seen' });
    this.drawing = svg('svg', { viewBox: `${left} ${top} ${width} ${height}`, focusable: 'false' },
      ...stage ? [box(stage, 'stage-plan')] : [], ...areas.map((area) => box(area, 'parts')), svg('path', { class: 'parts', d: outlines }), this.frame);
    this.root = element('div', { class: 'minimap', 'aria-hidden': 'true', hidden: '' }, this.drawing);
    this.root.style.setProperty('--wide', Math.min(1, width / height).toFixed(3));
    host.append(this.root);
    const go = (event) => {
      const { x, y, width: wide } = this.drawing.getBoundingClientRect();
      const seat = width / wide;
      viewport.touched();
      viewport.show([left + (event.clientX - x) * seat, top + (event.clientY - y) * seat], viewport.size, event.type === 'pointermove');
    };
    this.root.addEventListener('pointerdown', (event) => {
      this.root.setPointerCapture(event.pointerId);
      go(event);
    });
    this.root.addEventListener('pointermove', (event) => { if (event.buttons) go(event); });
    this.follow();
  }

  remove() {
    this.root.remove();
  }

  follow() {
    const { viewport } = this;
    const small = viewport.size < viewport.least * 1.3; // nearly everything is in view
    if (this.root.hidden !== small) this.root.hidden = small;
    if (small) return;
    const { left, top, width, height } = viewport.view;
    for (const [name, value] of Object.entries({ x: left, y: top, width, height })) this.frame.setAttribute(name, value.toFixed(2));
  }
}
