// Asks for what the page shows while the page's module is still on its way, which takes
// longer on a slow network: the events, and the layout and the seats of the event that the
// address names, or else of the first.

{ // the constants of a script would be global otherwise
  const prefetched = globalThis.seatlockPrefetched = new Map(); // for an Api

  const ask = (path, query) => {
    const url = new URL(path, document.baseURI);
    url.search = new URLSearchParams(query);
    const abort = new AbortController();
    // Browsers stop receiving a long body that nobody reads.
    const answer = fetch(url, { signal: abort.signal })
      .then((got) => new Response(got.body.pipeThrough(new TransformStream({}, {}, { highWaterMark: Infinity })), got));
    answer.catch(() => {}); // the module notices
    prefetched.set(url.href, { answer, abort });
    return answer;
  };
  const askFor = (eventId) => ['events', 'seats'].forEach((path) => ask(path, { eventId }));

  const all = ask('events', { layout: 'none' });
  const named = new URLSearchParams(location.hash.slice(1)).get('event');
  if (named) askFor(named);
  else all.then((answer) => answer.clone().json()).then(({ events }) => askFor(events[0].eventId)).catch(() => {});
}
