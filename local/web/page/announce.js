// What a screen reader says by itself. It is kept to what matters.

const polite = document.getElementById('polite');
const urgent = document.getElementById('urgent');
const between = 20_000; // ms between two announcements about other buyers

/** Announces the text once the screen reader has finished. */
export function announce(text) {
  speak(polite, text);
}

/** Announces the text at once. */
export function alarm(text) {
  speak(urgent, text);
}

let last = -Infinity;
let lastCounts = '';

/** Announces how many seats are left, if that is new and the last time is long enough ago. */
export function announceCounts(text) {
  const now = performance.now();
  if (now - last < between || text === lastCounts) return;
  if (lastCounts) speak(polite, text);
  [last, lastCounts] = [now, text];
}

function speak(region, text) {
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; }); // so that a repeated text is announced too
}
