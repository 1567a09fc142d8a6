// What a map asks for while it does not know yet who the user is and has no words: most
// servers show the seats to everybody. On a slow network that saves two round trips.

/**
 * Asks for an event and its seats; without an id, for the one of all events whose id
 * first(events) returns. Returns promises of the answers: events, eventId, event and list.
 * An answer is null if the call failed, or was not needed. It may succeed once the user is known.
 */
export function askEarly(api, id, first) {
  const orNull = (answer) => answer.catch(() => null);
  const events = id ? Promise.resolve(null) : orNull(api.events());
  const eventId = events.then((all) => id ?? (all && first(all)));
  const ask = (call) => eventId.then((found) => (found ? orNull(call(found)) : null));
  return { events, eventId, event: ask((found) => api.event(found)), list: ask((found) => api.seats(found)) };
}
