// Moves and scales the map by gestures: pinch, drag, wheel with Ctrl, double tap and keys.

const slop = 5; // px that a finger may move during a tap
const step = 1.5; // the factor of a key, a button or a double tap
const fades = 0.994; // the factor of the speed, each ms after a finger was lifted

/** Listens for gestures on a Viewport until signal aborts. */
export function listen(viewport, signal) {
  const { scroller } = viewport;
  const fingers = new Map(); // pointer -> where it is in the window, and where on the screen
  let dragged = false; // since the last press
  let speed = [0, 0]; // px a ms
  let at = 0; // when the speed was measured
  let gliding = 0;
  let around = false; // the page around this frame scrolls with the finger, which moves the frame
  let way = [0, 0]; // how far the fingers had moved by then: in px of the window, and of the screen, which differ if a page is scaled
  const on = (type, act, options) => scroller.addEventListener(type, act, { signal, ...options });
  signal.addEventListener('abort', () => cancelAnimationFrame(gliding));

  const grasp = () => {
    const all = [...fingers.values()];
    const [x, y] = [0, 1].map((k) => all.reduce((sum, p) => sum + p[k], 0) / all.length);
    return { x, y, apart: all.length < 2 ? 0 : Math.hypot(all[0][0] - all[1][0], all[0][1] - all[1][1]) };
  };
  const scroll = (dx, dy) => {
    const [, rest] = viewport.pan(dx, dy);
    const detail = scrollAround(scroller.parentElement, rest); // beyond the map's edge
    if (window === window.parent || Math.abs(detail) < 1) return;
    around = true;
    scroller.dispatchEvent(new CustomEvent('seatlock-scroll', { detail, bubbles: true, composed: true }));
  };
  const placeOf = ({ clientX, clientY, screenX, screenY }) => [clientX, clientY, screenX, screenY];

  on('pointerdown', (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    cancelAnimationFrame(gliding);
    if (event.isPrimary) fingers.clear(); // one may have been lifted elsewhere
    if (fingers.size === 0) dragged = false;
    if (fingers.size > 1) return; // a third finger does nothing
    around = false;
    way = [0, 0];
    fingers.set(event.pointerId, placeOf(event));
    speed = [0, 0];
  });
  on('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    if (event.buttons === 0) {
      fingers.delete(event.pointerId);
      return;
    }
    const place = placeOf(event);
    const by = place.map((v, k) => v - before[k]);
    const [dx, dy] = around ? by.slice(2).map((d) => d * way[0] / Math.max(1, way[1])) : by;
    if (!dragged && fingers.size === 1) {
      if (viewport.fitted || Math.hypot(dx, dy) < slop) return;
      if (event.pointerType === 'mouse') scroller.setPointerCapture(event.pointerId);
    }
    if (!dragged) scroller.classList.add('dragged');
    dragged = true;
    if (!around) way = [way[0] + Math.hypot(by[0], by[1]), way[1] + Math.hypot(by[2], by[3])];
    const was = grasp();
    fingers.set(event.pointerId, place);
    const is = grasp();
    if (was.apart > 0 && is.apart > 0) {
      viewport.touched();
      viewport.magnify(is.apart / was.apart, is.x, is.y);
      viewport.pan(was.x - is.x, was.y - is.y);
    } else scroll(-dx, -dy);
    const passed = Math.max(1, event.timeStamp - at);
    speed = [dx, dy].map((d, k) => 0.7 * (d / passed) + 0.3 * speed[k]);
    at = event.timeStamp;
  });
  const lift = (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    scroller.classList.remove('dragged');
    if (event.type === 'pointerup' && event.pointerType === 'touch' && dragged && event.timeStamp - at < 60 && !viewport.reduced.matches) glide();
  };
  on('pointerup', lift);
  on('pointercancel', lift);

  /** Continues the finger's movement, more and more slowly. */
  const glide = () => {
    let last = performance.now();
    const go = (now) => {
      const passed = Math.max(0, now - last);
      last = now;
      speed = speed.map((v) => v * fades ** passed);
      viewport.pan(-speed[0] * passed, -speed[1] * passed);
      if (Math.hypot(...speed) > 0.03) gliding = requestAnimationFrame(go);
    };
    gliding = requestAnimationFrame(go);
  };

  // A drag is no click, and a pinch must not scale the page.
  on('click', (event) => {
    if (!dragged) return;
    dragged = false;
    event.stopPropagation();
    event.preventDefault();
  }, { capture: true });
  on('touchmove', (event) => {
    if (event.cancelable && (event.touches.length > 1 || !viewport.fitted)) event.preventDefault();
  }, { passive: false });
  on('wheel', (event) => {
    viewport.touched();
    if (!event.ctrlKey) return; // the browser scrolls
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    viewport.magnify(Math.exp(-Math.max(-60, Math.min(60, event.deltaY * lines)) / 100), event.clientX, event.clientY);
  }, { passive: false });
  on('dblclick', ({ target, clientX, clientY }) => {
    if (target.closest('[role=gridcell], .part-shape, .area-box')) return; // these handle clicks themselves
    viewport.touched();
    viewport.show(viewport.at(clientX, clientY), viewport.size * step ** 2);
  });
  let scaled = 1;
  on('gesturestart', (event) => { // a trackpad in Safari
    event.preventDefault();
    scaled = 1;
  });
  on('gesturechange', (event) => {
    event.preventDefault();
    viewport.touched();
    viewport.magnify(event.scale / scaled, event.clientX, event.clientY);
    scaled = event.scale;
  });
  on('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const act = { '+': () => enlarge(viewport, step), '=': () => enlarge(viewport, step), '-': () => enlarge(viewport, 1 / step), 0: () => viewport.showAll() }[event.key];
    if (!act) return;
    viewport.touched();
    act();
    event.preventDefault();
  });
}

/** Scrolls what is around the map by some px, the innermost first: a dialog, then the page. Returns how many were left over. */
function scrollAround(el, rest) {
  for (let at = el; at && Math.abs(rest) >= 1; at = at.parentElement ?? at.getRootNode().host) {
    if (at !== document.scrollingElement && !/auto|scroll/.test(getComputedStyle(at).overflowY)) continue;
    const { scrollTop } = at;
    at.scrollBy({ top: rest, behavior: 'instant' });
    rest -= at.scrollTop - scrollTop;
  }
  return rest;
}

/** Draws larger or smaller by a step, around the middle. */
export function enlarge(viewport, factor = step) {
  viewport.touched();
  viewport.show(viewport.middle, viewport.aim * factor);
}
