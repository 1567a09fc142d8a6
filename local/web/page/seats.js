// The state of every seat, folded together from the server's lists. The cost of a list
// depends on its changes, not on the size of the venue.

const booked = Infinity; // later than any time
const blocked = Number.MAX_VALUE;
const untils = { available: 0, booked, blocked };
const slice = 250; // ms: locks that end within one slice are checked together

/**
 * Seats keeps, by position, until when each seat is taken: 0 if it is available, Infinity
 * if booked, the largest number if blocked (not for sale), and otherwise the end of its
 * lock, in Unix ms of the server.
 */
export class Seats {
  version = '';

  constructor(plan, clock) {
    this.plan = plan;
    this.clock = clock;
    this.until = new Float64Array(plan.ids.length);
    this.counts = { available: plan.ids.length, locked: 0, booked: 0, blocked: 0 };
    this.areas = plan.areas.map(({ capacity }) => ({ available: capacity, locked: 0, booked: 0, blocked: 0 }));
    this.categories = plan.categories.map(() => 0); // how many seats of each are available
    for (const c of plan.category) if (c !== undefined) this.categories[c]++;
    this.parts = plan.parts.map((part) => ({ available: part.count, locked: 0, booked: 0, blocked: 0 }));
    this.ends = new Map(); // slice of time -> positions whose locks end in it
    this.looked = Math.floor(clock.now() / slice);
  }

  status(position) {
    return statusOf(this.until[position]);
  }

  /** Applies a list of the server and returns the positions that changed. */
  fold(list) {
    this.clock.heard(list.serverTime);
    this.version = list.version;
    for (const { section, ...counts } of list.areas ?? []) this.areas[this.plan.areas.findIndex(({ name }) => name === section)] = { available: 0, locked: 0, booked: 0, blocked: 0, ...counts };
    const changed = [];
    const { ids, positions } = this.plan;
    const now = this.clock.now(); // once: each time takes longer than all the rest
    list.seats.forEach((seat, i) => {
      const position = list.full && ids[i] === seat.seatId ? i : positions.get(seat.seatId);
      if (position === undefined) return;
      const until = seat.status === 'locked' ? Date.parse(seat.expiresAt) : untils[seat.status];
      if (this.#set(position, until, now)) changed.push(position);
    });
    return changed;
  }

  /** Applies the result of a call, which the next list will also have. */
  know(positions, until) {
    const now = this.clock.now();
    for (const position of positions) if (position < this.plan.seatCount) this.#set(position, until, now);
  }

  /** How many seats and places are left of a category. */
  left(category) {
    return this.plan.areas.reduce((sum, area, i) => sum + (area.category === category ? this.areas[i].available : 0), this.categories[category]);
  }

  /** How many seats and places of areas there are in each state. */
  get all() {
    const all = { ...this.counts };
    for (const area of this.areas) for (const status of Object.keys(all)) all[status] += area[status];
    return all;
  }

  /** Makes the seats of expired locks available and returns their positions. */
  runOut() {
    const freed = [];
    const now = this.clock.now();
    const current = Math.floor(now / slice);
    const due = [];
    if (current - this.looked < this.ends.size) {
      for (let s = this.looked; s <= current; s++) if (this.ends.has(s)) due.push(s);
    } else { // after a long sleep, more slices have passed than have locks
      for (const s of this.ends.keys()) if (s <= current) due.push(s);
    }
    for (const s of due) {
      const later = [];
      for (const position of this.ends.get(s)) {
        const until = this.until[position];
        if (Math.floor(until / slice) !== s) continue; // the lock was replaced or has gone meanwhile
        if (until > now) later.push(position);
        else if (this.#set(position, 0, now)) freed.push(position);
      }
      if (later.length) this.ends.set(s, later);
      else this.ends.delete(s);
    }
    this.looked = current;
    return freed;
  }

  #set(position, until, now) {
    if (until <= now) until = 0;
    if (this.until[position] === until) return false;
    const before = statusOf(this.until[position]);
    const after = statusOf(until);
    this.until[position] = until;
    if (after === 'locked') {
      const s = Math.floor(until / slice);
      this.looked = Math.min(this.looked, s);
      if (this.ends.has(s)) this.ends.get(s).push(position);
      else this.ends.set(s, [position]);
    }
    if (before !== after) {
      const { counts } = this;
      const part = this.parts[this.plan.partOf[position]];
      counts[before]--;
      counts[after]++;
      part[before]--;
      part[after]++;
      const category = this.plan.category[position];
      if (category !== undefined) this.categories[category] += (after === 'available') - (before === 'available');
    }
    return true;
  }
}

function statusOf(until) {
  return until === 0 ? 'available' : until === booked ? 'booked' : until === blocked ? 'blocked' : 'locked';
}
