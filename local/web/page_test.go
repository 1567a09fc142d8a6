package web_test

import (
	"slices"
	"testing"
)

// TestPollsAfterALostSocket checks that a page whose WebSocket was lost waits before it polls,
// even if the server refuses its next WebSocket meanwhile: many pages may have lost theirs
// with it.
func TestPollsAfterALostSocket(t *testing.T) {
	waits := runNode[[]float64](t, `
const { mock } = await import('node:test');
mock.timers.enable({ apis: ['setTimeout'] });
Object.assign(globalThis, { window: new EventTarget(), document: new EventTarget(), WebSocket: class {
  constructor() { sockets.push(this); }
  close() {}
} });
let sockets;
const { Live } = await import(folder + '/live.js');
const settled = () => new Promise((resume) => setImmediate(resume));
const waits = [];
for (let i = 0; i < input; i++) {
  sockets = [];
  let now = 0;
  let polled;
  const api = { url: () => new URL('http://localhost/seats/live'), seats: async () => { polled ??= now; return {}; } };
  const live = new Live(api, 'default', { version: '1' }, Promise.resolve(null), { heard() {}, light() {} });
  await settled();
  sockets[0].onmessage({ data: '{}' });
  sockets[0].onclose();
  for (let refused = 1; polled === undefined; now += 10) {
    for (; refused < sockets.length; refused++) sockets[refused].onclose();
    await settled();
    mock.timers.tick(10);
    await settled();
  }
  live.stop();
  waits.push(polled);
}
console.log(JSON.stringify(waits));
`, 20)
	if first, last := slices.Min(waits), slices.Max(waits); first < 1400 || last > 4600 {
		t.Errorf("pages poll %.0f to %.0f ms after they lost their WebSockets, want 1500 to 4500", first, last)
	}
}

// TestCheckoutAtAnOlderServer checks that a buyer can pay at a server that is older than the
// page and refuses the page's language, and that other refusals are not repeated.
func TestCheckoutAtAnOlderServer(t *testing.T) {
	type answer struct {
		Code string // of the error, if any
		Sent []map[string]any
	}
	got := runNode[[]answer](t, `
const { createServer } = await import('node:http');
const answers = [];
let sent;
let refusal;
const server = createServer(async (request, response) => {
  const body = JSON.parse((await request.toArray()).join(''));
  sent.push(body);
  const code = body.lang ? refusal : undefined;
  response.writeHead(code ? 400 : 200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ code }));
});
await new Promise((resume) => server.listen(0, '127.0.0.1', resume));
const base = new URL('http://127.0.0.1:' + server.address().port);
globalThis.location = base;
const { Api } = await import(folder + '/api.js');
for (refusal of input) {
  sent = [];
  const code = await new Api(base).checkout('default', 'ann', { seatIds: ['A1'], lang: 'de' }).then(() => '', (error) => error.code);
  answers.push({ code, sent });
}
server.closeAllConnections();
server.close();
console.log(JSON.stringify(answers));
`, []string{"bad_request", "lock_expired"})
	old, expired := got[0], got[1]
	if len(old.Sent) != 2 || old.Code != "" || old.Sent[0]["lang"] != "de" || old.Sent[1]["lang"] != nil || old.Sent[1]["userId"] != "ann" {
		t.Errorf("an older server gets %v, and the page %q; want the call once more without the language", old.Sent, old.Code)
	}
	if len(expired.Sent) != 1 || expired.Code != "lock_expired" {
		t.Errorf("once the lock has expired, the server gets %v, and the page %q; want one call and lock_expired", expired.Sent, expired.Code)
	}
}
