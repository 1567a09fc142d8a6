// What a shop writes with the types of /embed/v1.js. The test compiles it. Each line after
// a @ts-expect-error must be wrong.

import type { Basket, SeatlockEvents, Ticket } from '../../../web/page/v1.js';

const map = document.querySelector('seatlock-map');
if (!map) throw new Error('no map');

map.token = 'eyJhbGciOi…';
map.token = async () => (await fetch('token')).text();
map.user = 'ann';
map.messages = { 'do.hold': { one: 'Reserve this seat', other: 'Reserve {n} seats' } };
// @ts-expect-error: a token is a text
map.token = 42;

map.addEventListener('lock', ({ detail }) => {
  const total: number = detail.locked.reduce((sum: number, { price = 0 }: Ticket) => sum + price, 0);
  const until: string | undefined = detail.expiresAt;
  console.log(total, until, detail.currency);
  // @ts-expect-error: a basket has no seatIds
  console.log(detail.seatIds);
});
map.addEventListener('expired', ({ detail: { seatIds } }) => seatIds.map((id) => id.toUpperCase()));
map.addEventListener('conflict', ({ detail: { code, seatIds } }) => console.log(code, seatIds.length));
map.addEventListener('section', (event) => { if (event.detail.section === null) event.preventDefault(); });

const held: boolean = await map.lock();
const best: boolean = await map.bestAvailable(4, { apart: true });
map.clear();
await map.release();
await map.refresh();
// @ts-expect-error: how many is a number
await map.bestAvailable('4');
// @ts-expect-error: the element does not sell
await map.confirm();

const basket: Basket = map.basket;
// @ts-expect-error: the basket cannot be changed from outside
map.basket = basket;

// Every event by its name, so that one that is left out is found.
const events: { [K in keyof SeatlockEvents]: true } = {
  ready: true, pick: true, lock: true, release: true, conflict: true, expiring: true, expired: true, booked: true, section: true, error: true,
};
console.log(held, best, events);
