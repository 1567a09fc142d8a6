// The module that a shop loads: it defines <seatlock-map>.

import { SeatlockMap } from './seatlock-map.js';

if (!customElements.get('seatlock-map')) customElements.define('seatlock-map', SeatlockMap);

export { SeatlockMap };
