// The times between which an event is on sale.

/** A Sale knows whether buyers can lock seats of a plan now. */
export class Sale {
  constructor(plan, clock) {
    this.plan = plan;
    this.clock = clock;
  }

  /** A sentence that says why the event is not on sale; empty if it is. */
  get sentence() {
    const { opensAt, closesAt, words } = this.plan;
    const now = this.clock.now();
    if (now < opensAt) return words.say('sale.opens', { time: words.date(opensAt) });
    if (now >= closesAt) return words.say('sale.closed', { time: words.date(closesAt) });
    return '';
  }
}
