// The page in a frame: it sends the element's events to the page around the frame as
// messages, and that page calls the element's methods by messages. README.md lists them.
// This file is not bundled with others and imports nothing.

const allowed = document.querySelector('meta[name=frame-ancestors]').content.split(' ');
const around = location.ancestorOrigins?.[0] ?? (document.referrer && new URL(document.referrer).origin);
const origins = allowed.includes(around) ? [around] : allowed; // browsers deliver a message only to a page of the given origin

const map = document.createElement('seatlock-map');
const query = new URLSearchParams(location.search);
for (const [name, value] of query) {
  if (['event', 'lang', 'max', 'section', 'theme'].includes(name)) map.setAttribute(name, value);
}

// The frame may be as high as its content, so the map must not be a share of the frame.
map.style.setProperty('--seatlock-map-height', `max(20rem, ${Math.round(0.6 * screen.availHeight)}px)`);

function send(message) {
  for (const origin of origins) parent.postMessage({ source: 'seatlock', ...message }, origin);
}

for (const type of ['ready', 'pick', 'lock', 'release', 'conflict', 'expiring', 'expired', 'booked', 'section', 'error']) {
  map.addEventListener(type, ({ detail }) => send({ type, detail }));
}

// A finger that moves on beyond the edge of the map scrolls the page around the frame, if that page lets it.
map.addEventListener('seatlock-scroll', ({ detail }) => send({ type: 'scroll', detail }));

map.addEventListener('ready', () => {
  const { lang, dir } = map.controller.host.words;
  Object.assign(document.documentElement, { lang, dir });
});

const methods = {
  lock: () => map.lock(),
  release: () => map.release(),
  clear: () => map.clear(),
  bestAvailable: (n) => map.bestAvailable(n),
  refresh: () => map.refresh(),
};

window.addEventListener('message', async ({ source, origin, data }) => {
  if (source !== parent || !allowed.includes(origin) || data?.target !== 'seatlock') return;
  const { type, value, id } = data;
  if (type === 'token' || type === 'user') {
    map[type] = value;
    if (!map.isConnected) document.body.append(map);
  }
  if (!Object.hasOwn(methods, type)) return;
  const detail = await methods[type](value)?.catch(() => false); // the element says why
  send({ type: 'answer', id, detail });
});

new ResizeObserver(() => send({ type: 'height', detail: Math.ceil(document.documentElement.getBoundingClientRect().height) })).observe(document.documentElement);
document.body.style.margin = '0';
send({ type: 'loaded' });
if (!query.has('wait')) document.body.append(map); // otherwise the page around the frame first gives a token
