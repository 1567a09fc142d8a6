// Seatlock's own page: the element, and around it the list of events, the user's account,
// the address and the return from a payment.

import { keptLanguage } from './mine.js';
import { ElementHost, SeatlockMap } from './seatlock-map.js';

const byId = (id) => document.getElementById(id);

/** The parameters of the address: #event=…&section=… */
const wanted = () => new URLSearchParams(location.hash.slice(1));

/** The address of an event, or of a section of it. */
function hashOf(eventId, section) {
  const hash = new URLSearchParams({ event: eventId });
  if (section !== undefined) hash.set('section', section);
  return `#${hash}`;
}

const prefetched = globalThis.seatlockPrefetched ?? new Map(); // missing if ask.js did not load
const search = new URLSearchParams(location.search);
keptLanguage.take(search.get('lang'));
const returned = search.get('order') ?? history.state?.order; // set when a buyer comes back from the payment, or reloads that page
const failed = search.get('signin') === 'failed';
if (failed || returned) history.replaceState(returned && { order: returned }, '', location.pathname + location.hash);

let events = [];
let returnedTo = returned;

/** The event that the address names, or else the first. */
const named = (all = events) => (all.find((e) => e.eventId === wanted().get('event')) ?? all[0])?.eventId;

/** Shows the event and the section that the address names. */
function follow() {
  byId('event').value = named();
  map.setAttribute('event', named());
  const section = wanted().get('section');
  if (section === null) map.removeAttribute('section');
  else map.setAttribute('section', section);
}

/** The Host of the page: users can buy, sign in, and come back to an address. */
class PageHost extends ElementHost {
  constructor(element, root, words) {
    super(element, root, words);
    Object.assign(document.documentElement, { lang: words.lang, dir: words.dir });
    words.fill(document);
  }

  get choosesEvent() {
    return true;
  }

  choose(all) {
    events = all;
    byId('event').replaceChildren(...events.map(({ eventId, name }) => new Option(name, eventId)));
    byId('chooser').hidden = events.length < 2;
    follow();
    return { eventId: named(), section: wanted().get('section') };
  }

  entitle(title, subtitle) {
    byId('title').textContent = title;
    byId('subtitle').textContent = subtitle;
    document.title = this.words.say('page.title', { event: title });
  }

  /** Shows who the user is, and how to sign in or out. */
  introduce(session) {
    byId('signin').hidden = !session.canSignIn || Boolean(session.user && !session.guest);
    byId('signout').hidden = !session.user || session.open || session.guest;
    const { words } = this;
    const who = this.find('who');
    who.hidden = session.unknown;
    who.textContent = session.open ? words.say('who.open', { user: session.user })
      : words.say(session.guest ? 'who.guest' : session.user ? 'who.user' : session.canSignIn ? 'who.nobody' : 'who.looking');
  }

  async receipt(order) {
    const { showReceipt } = await import('./receipt.js');
    showReceipt({ ...order, closed: () => history.replaceState(null, '') });
  }

  goTo(eventId, section) {
    location.hash = hashOf(eventId, section);
  }

  correct(eventId, section) {
    history.replaceState(history.state, '', hashOf(eventId, section));
    super.correct(eventId, section); // so that the element notices a later change of the address
  }

  returnUrl(eventId) {
    return `${location.origin}${location.pathname}${hashOf(eventId)}`;
  }

  focusSignIn() {
    byId('signin').focus();
  }
}

customElements.define('seatlock-map', class extends SeatlockMap {
  get buyer() {
    return { sells: true };
  }

  get prefetched() {
    return prefetched;
  }

  firstOf(events) {
    return named(events);
  }

  host(words) {
    return new PageHost(this, this.shadowRoot, words);
  }
});

const map = document.createElement('seatlock-map');
map.lang = keptLanguage.get() ?? '';
map.setAttribute('src', document.baseURI);
map.addEventListener('ready', () => {
  for (const { abort } of prefetched.values()) abort.abort(); // what was not needed is old soon
  prefetched.clear();
  const { host: { words }, page, panel } = map.controller;
  if (returnedTo) page.calls.orders.follow(returnedTo);
  else if (failed) panel.say('bad', words.say('signIn.failed'));
  returnedTo = null;
}, { once: true });
document.querySelector('main').append(map);

async function leaveForSignIn() {
  const { controller: { api, host: { words }, now, page, panel, session } } = map;
  byId('signin').ariaDisabled = 'true';
  try {
    await session.leave(now);
  } catch {
    byId('signin').ariaDisabled = 'false';
    panel.say('bad', words.say('signIn.kept'));
    return;
  }
  location.assign(api.url('signin', { to: location.hash.slice(1) || hashOf(page?.plan.eventId ?? '').slice(1) }));
}

async function signOut() {
  const { host: { words }, panel, session } = map.controller;
  byId('signout').ariaDisabled = 'true';
  try {
    await session.signOut();
    location.reload();
  } catch {
    byId('signout').ariaDisabled = 'false';
    panel.say('bad', words.say('signOut.failed'));
  }
}

byId('signin').addEventListener('click', () => {
  const { session, now } = map.controller;
  if (session.held(now).length) byId('leaving').showModal();
  else leaveForSignIn();
});
byId('leaving').addEventListener('close', () => { if (byId('leaving').returnValue === 'leave') leaveForSignIn(); });
byId('signout').addEventListener('click', signOut);
byId('event').addEventListener('change', () => { location.hash = hashOf(byId('event').value); });
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the hash names the event
  map.focus();
});
window.addEventListener('hashchange', () => { if (events.length) follow(); });
