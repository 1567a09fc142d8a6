// When an event is on sale, in the buyer's time zone.

const format = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short',
});

/** A Sale knows whether buyers can lock seats of a plan at the moment. */
export class Sale {
  constructor(plan, clock) {
    this.plan = plan;
    this.clock = clock;
  }

  /** Why the event is not on sale, in a sentence; empty if it is. */
  get sentence() {
    const { opensAt, closesAt } = this.plan;
    const now = this.clock.now();
    if (now < opensAt) return `Tickets go on sale on ${format.format(opensAt)}.`;
    if (now >= closesAt) return `Ticket sales closed on ${format.format(closesAt)}.`;
    return '';
  }
}
