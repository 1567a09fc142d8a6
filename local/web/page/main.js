// Starts the page: finds out which events there are and opens the one that the
// address names.

import * as api from './api.js';
import { House } from './house.js';
import { userName } from './mine.js';
import { Panel } from './panel.js';

const byId = (id) => document.getElementById(id);
const user = userName();
let house;
let opening;

const panel = new Panel({
  drop: (position) => house.drop(position),
  lock: () => house.lock(),
  confirm: () => house.confirm(),
  release: () => house.release(),
});

/** What the address asks for: #event=…&section=… */
const wanted = () => new URLSearchParams(location.hash.slice(1));

async function open(events) {
  const asked = wanted();
  const { eventId } = events.find((e) => e.eventId === asked.get('event')) ?? events[0];
  byId('event').value = eventId;
  if (house?.plan.eventId !== eventId) {
    opening = eventId;
    const list = api.seats(eventId).catch(() => null); // at the same time as the seats' places
    const event = await keepAsking(() => api.event(eventId));
    if (opening !== eventId) return; // another was chosen meanwhile
    house?.close();
    document.body.classList.remove('ready');
    panel.say('news', '');
    house = new House(event, list, user, panel);
    await new Promise((resume) => setTimeout(resume)); // a large plan took a while: let the page breathe
  }
  house.show(wanted().get('section'));
}

/** At the start the server may not be there yet. */
async function keepAsking(call) {
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      return await call();
    } catch (error) {
      byId('light').dataset.state = 'away';
      byId('light').textContent = 'Reconnecting…';
      panel.say('bad', `${error.message} Trying again.`);
    }
    await new Promise((resume) => setTimeout(resume, pause * (0.75 + Math.random() / 2)));
  }
}

const events = await keepAsking(api.events);
panel.say('news', '');
byId('event').replaceChildren(...events.map(({ eventId, name }) => new Option(name, eventId)));
byId('chooser').hidden = events.length < 2;
byId('event').addEventListener('change', () => { location.hash = new URLSearchParams({ event: byId('event').value }); });
byId('user').textContent = user;
byId('larger').addEventListener('click', () => house.view.magnify(1.25));
byId('smaller').addEventListener('click', () => house.view.magnify(0.8));
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the address says which event is shown
  house.view.focus();
});
window.addEventListener('hashchange', () => open(events));
window.addEventListener('storage', ({ key }) => { if (key === house?.mine.key) house.shared(); });
await open(events);
