// The server's time, whatever this machine's clock says. Locks end by it.

/**
 * A Clock learns from the server's answers. Each was already on its way for a
 * while when it arrived, so the answer that was the quickest is the truest.
 */
export class Clock {
  #readings = []; // server time minus our own, of the last answers
  #offset = Date.now() - performance.now();

  /** Learns from an answer that has just arrived. */
  heard(serverTime) {
    this.#readings.push(Date.parse(serverTime) - performance.now());
    if (this.#readings.length > 16) this.#readings.shift();
    this.#offset = Math.max(...this.#readings);
  }

  /** Forgets what it learnt: another server may answer now, or we slept. */
  reset() {
    this.#readings = [];
  }

  /** The server's time in Unix ms. */
  now() {
    return performance.now() + this.#offset;
  }
}
