// Where the event file puts the stage and the areas, in seat widths.

/** Returns the box of the stage of a placed plan, or null. */
export function stageOf({ stage }) {
  if (!stage) return null;
  const { label = 'Stage', shape, x = 0, y = -20, width = 200, height = 40 } = stage; // its front is at 0, 0 if it has no place
  return { ...corner({ x, y, width, height }), shape, label };
}

/** Returns the box of an area, or null if it has no place. */
export function boxOf(area, i) {
  return area.width === undefined ? null : { ...corner(area), label: area.name, area: i };
}

const corner = ({ x, y, width, height }) => ({ left: (x - width / 2) / 10, top: (y - height / 2) / 10, width: width / 10, height: height / 10 });
