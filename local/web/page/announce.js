// What a screen reader hears without asking, and sparingly.

const polite = document.getElementById('polite');
const urgent = document.getElementById('urgent');
const between = 20_000; // ms between two lines about other people

/** Says it as soon as the reader is free. */
export function announce(text) {
  speak(polite, text);
}

/** Says it at once. */
export function alarm(text) {
  speak(urgent, text);
}

let last = -Infinity;
let told = '';

/** Says how many seats there are left, if that is news and not told just now. */
export function announceCounts(text) {
  const now = performance.now();
  if (now - last < between || text === told) return;
  if (told) speak(polite, text);
  [last, told] = [now, text];
}

function speak(region, text) {
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; }); // the same text again is news too
}
