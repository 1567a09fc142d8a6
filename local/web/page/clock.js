// The server's time, by which locks end, independent of this machine's clock.

/**
 * A Clock estimates the server's time from its responses. Each response is late by
 * the time it took to arrive, so the quickest gives the best estimate.
 */
export class Clock {
  #readings = []; // server time minus local time, of the last responses
  #offset = Date.now() - performance.now();

  /** Records the server time of a response that has just arrived. */
  heard(serverTime) {
    this.#readings.push(Date.parse(serverTime) - performance.now());
    if (this.#readings.length > 16) this.#readings.shift();
    this.#offset = Math.max(...this.#readings);
  }

  /** Forgets all readings: the machine may have slept, or another server may respond. */
  reset() {
    this.#readings = [];
  }

  /** The server's time in Unix ms. */
  now() {
    return performance.now() + this.#offset;
  }
}
