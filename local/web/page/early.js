// Requests that a map makes before it knows who the user is and before it has its messages:
// most servers show the seats to everybody. On a slow network that saves two round trips.

/**
 * Requests an event and its seats; without an id, the event whose id first(events) returns.
 * Returns promises of the answers: events, eventId, event and list. An answer is null if the
 * call was not needed, or if it failed, in which case it may succeed once the user is known.
 */
export function askEarly(api, id, first) {
  const orNull = (answer) => answer.catch(() => null);
  const events = id ? Promise.resolve(null) : orNull(api.events());
  const eventId = events.then((all) => id ?? (all && first(all)));
  const ask = (call) => eventId.then((found) => (found ? orNull(call(found)) : null));
  return { events, eventId, event: ask((found) => api.event(found)), list: ask((found) => api.seats(found)) };
}
