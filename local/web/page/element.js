// Makes elements, in one line each.

/** An element with attributes (className too), and children or text. */
export function element(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  set(el, attributes);
  el.append(...children);
  return el;
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  const el = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(el, attributes);
  el.append(...children);
  return el;
}

function set(el, attributes) {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) el.setAttribute(name, value);
}
