// Starts the page: asks for the events and opens the one that the address names.

import * as api from './api.js';
import { EventPage } from './event.js';
import { Host } from './host.js';
import { keptLanguage } from './mine.js';
import { Panel } from './panel.js';
import { reason } from './problems.js';
import { Session } from './session.js';
import { loadWords } from './words.js';

const byId = (id) => document.getElementById(id);
keptLanguage.take(new URLSearchParams(location.search).get('lang'));
const words = await loadWords([keptLanguage.get(), ...navigator.languages].filter(Boolean));
Object.assign(document.documentElement, { lang: words.lang, dir: words.dir });
words.fill(document);
const host = new Host(document, document.body, words);
let page;
let opening;

const panel = new Panel(host, {
  drop: (position) => page.picking.drop(position),
  choose: (position, level) => page.picking.choose(position, level),
  dropPlaces: (area, level) => page.picking.dropPlaces(area, level),
  lock: () => page.picking.lock(),
  confirm: () => page.picking.confirm(),
  release: () => page.picking.release(),
});

/** The parameters of the address: #event=…&section=… */
const wanted = () => new URLSearchParams(location.hash.slice(1));

async function open(events) {
  const asked = wanted();
  const { eventId } = events.find((e) => e.eventId === asked.get('event')) ?? events[0];
  byId('event').value = eventId;
  if (page?.plan.eventId !== eventId) {
    opening = eventId;
    const list = api.seats(eventId).catch(() => null); // together with the layout
    const event = await keepAsking(() => api.event(eventId));
    if (opening !== eventId) return; // the user has chosen another meanwhile
    panel.say('news', '');
    replace(event, list);
    await new Promise((resume) => setTimeout(resume)); // building a large plan took long: let the browser paint
  }
  page.drawn.show(wanted().get('section'));
}

/** The server's time, by which locks end. */
const now = () => page?.clock.now() ?? Date.now();

/** Shows an event in place of the one before. */
function replace(event, list) {
  page?.close();
  host.mark('ready', false);
  page = new EventPage(host, event, list, session, panel, renew);
}

/** Fetches the seat map of the open event anew, since there is one of this revision. */
async function renew(revision) {
  const before = page;
  const { eventId } = before.plan;
  let event;
  for (;;) {
    event = await keepAsking(() => api.event(eventId));
    if (page !== before) return; // another event was opened meanwhile
    if ((event.revision ?? 0) >= revision) break;
    await new Promise((resume) => setTimeout(resume, 2000)); // not every server has it yet
  }
  while (before.mine.asked) { // the answer is for the page that asked
    await new Promise((resume) => setTimeout(resume, 100));
    if (page !== before) return;
  }
  const { picks, drawn: { place } } = before;
  replace(event, api.seats(eventId).catch(() => null));
  page.pick(picks);
  page.drawn.resume({ ...place, part: place.part ?? wanted().get('section') ?? undefined });
  panel.say('news', words.say('map.changed'));
}

/** Repeats a call while the server is away, as it may be at the start. */
async function keepAsking(call) {
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      return await call();
    } catch (error) {
      if (error.status === 401 && !session.unknown) return signedOut();
      if (error.status === 401) await session.renew().catch(() => {}); // only the server's answer says who may look
      byId('light').dataset.state = 'away';
      byId('light').textContent = words.say('light.away');
      panel.say('bad', words.sentences(error.status === 401 ? words.say('error.busy') : reason(words, error), words.say('outcome.again')));
    }
    await new Promise((resume) => setTimeout(resume, pause * (0.75 + Math.random() / 2)));
  }
}

/** Shows that nothing is shown, until the user signs in. */
function signedOut() {
  byId('light').dataset.state = 'out';
  byId('light').textContent = words.say('light.out');
  panel.say('news', words.say(session.canSignIn ? 'signIn.see' : 'signIn.private'));
  return new Promise(() => {});
}

/** Shows who the user is now, after the server was asked again. */
function renewed(before) {
  introduce();
  if (session.user !== before.user) page?.become(before);
}

/** Shows who the user is, and how to become somebody else. */
function introduce() {
  byId('signin').hidden = !session.canSignIn || Boolean(session.user && !session.guest);
  byId('signout').hidden = !session.user || session.open || session.guest;
  byId('confirm').hidden = session.way === 'left';
  byId('to-confirm').textContent = words.say(`time.${session.way}`);
  byId('who').hidden = session.unknown;
  byId('who').textContent = session.open ? words.say('who.open', { user: session.user })
    : words.say(session.guest ? 'who.guest' : session.user ? 'who.user' : session.canSignIn ? 'who.nobody' : 'who.looking');
}

async function leaveForSignIn() {
  byId('signin').ariaDisabled = 'true';
  try {
    await session.signIn(page?.plan.eventId, page?.picks ?? [], now());
  } catch {
    byId('signin').ariaDisabled = 'false';
    panel.say('bad', words.say('signIn.kept'));
  }
}

async function signOut() {
  byId('signout').ariaDisabled = 'true';
  try {
    await session.signOut();
  } catch {
    byId('signout').ariaDisabled = 'false';
    panel.say('bad', words.say('signOut.failed'));
  }
}

const session = await keepAsking(Session.load);
session.renewed = renewed;
panel.say('news', '');
introduce();
byId('signin').addEventListener('click', () => {
  if (session.held(now()).length) byId('leaving').showModal();
  else leaveForSignIn();
});
byId('leaving').addEventListener('close', () => { if (byId('leaving').returnValue === 'leave') leaveForSignIn(); });
byId('signout').addEventListener('click', signOut);
const failed = new URLSearchParams(location.search).get('signin') === 'failed';
if (failed) history.replaceState(null, '', location.pathname + location.hash);

const events = await keepAsking(api.events);
panel.say('news', '');
byId('event').replaceChildren(...events.map(({ eventId, name }) => new Option(name, eventId)));
byId('chooser').hidden = events.length < 2;
byId('event').addEventListener('change', () => { location.hash = new URLSearchParams({ event: byId('event').value }); });
byId('larger').addEventListener('click', () => page.drawn.view.magnify(1.25));
byId('smaller').addEventListener('click', () => page.drawn.view.magnify(0.8));
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the hash names the event
  page.drawn.view.focus();
});
window.addEventListener('hashchange', () => open(events));
window.addEventListener('storage', ({ key, newValue }) => {
  if (key !== page?.mine.key) return;
  if (newValue === null) session.renew().catch(() => page.shared()); // the user has signed out in another window
  else page.shared();
});
await open(events);
const order = new URLSearchParams(location.search).get('order'); // the buyer comes back from the payment
if (order) {
  page.calls.follow(order);
  history.replaceState(null, '', location.pathname + location.hash);
}
if (failed) panel.say('bad', words.say('signIn.failed'));
