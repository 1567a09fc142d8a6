// Creates and changes elements, one line each.

/** Returns an element with the attributes and with children or text. */
export function element(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  set(el, attributes);
  el.append(...children);
  return el;
}

/** Returns an SVG element, as element does for HTML. */
export function svg(tag, attributes = {}, ...children) {
  const el = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(el, attributes);
  el.append(...children);
  return el;
}

function set(el, attributes) {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) el.setAttribute(name, value);
}

/** Sets a property unless it has the value already: browsers treat assigning the same value as a change. */
export function put(el, name, value) {
  if (el[name] !== value) el[name] = value;
}
