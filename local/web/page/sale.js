// When an event is on sale, in the buyer's time zone.

/** A Sale knows whether buyers can lock seats of a plan at the moment. */
export class Sale {
  constructor(plan, clock) {
    this.plan = plan;
    this.clock = clock;
  }

  /** Why the event is not on sale, in a sentence; empty if it is. */
  get sentence() {
    const { opensAt, closesAt, words } = this.plan;
    const now = this.clock.now();
    if (now < opensAt) return words.say('sale.opens', { time: words.date(opensAt) });
    if (now >= closesAt) return words.say('sale.closed', { time: words.date(closesAt) });
    return '';
  }
}
