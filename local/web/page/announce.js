// Announcements of a screen reader, kept to what matters.

const between = 20_000; // ms between two announcements about other buyers

/** An Announcer speaks through two live regions, one polite and one urgent. */
export class Announcer {
  #last = -Infinity; // when something was last announced
  #lastCounts = '';

  constructor(polite, urgent) {
    this.polite = polite;
    this.urgent = urgent;
  }

  /** Announces the text once the screen reader has finished. */
  announce(text) {
    speak(this.polite, text);
    this.#last = performance.now(); // counts would replace it before it is read
  }

  /** Announces the text at once. */
  alarm(text) {
    speak(this.urgent, text);
  }

  /** Announces how many seats are left, if that has changed and the last announcement was long enough ago. */
  announceCounts(text) {
    const now = performance.now();
    if (now - this.#last < between || text === this.#lastCounts) return;
    if (this.#lastCounts) speak(this.polite, text);
    [this.#last, this.#lastCounts] = [now, text];
  }
}

function speak(region, text) {
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; }); // so that a repeated text is announced too
}
