// The page of the example shop: it gives the element the buyer's token, and lets the
// shop's back end take the money for what is locked.

const map = document.querySelector('seatlock-map');
const pay = document.getElementById('pay');

/** The buyer's token. The element asks for it again if the server refuses it. */
map.token = async () => (await (await fetch('token')).json()).token;

function say(text) {
  document.getElementById('order').hidden = false;
  document.getElementById('said').textContent = text;
}

function showTotal() {
  const { locked, currency } = map.basket;
  const total = locked.reduce((sum, { price = 0 }) => sum + price, 0);
  pay.textContent = currency ? `Pay ${money(total, currency)}` : 'Pay';
}

/** Amounts are in the currency's smallest unit. */
function money(amount, currency) {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

for (const type of ['ready', 'lock', 'release', 'expired']) map.addEventListener(type, showTotal);

pay.addEventListener('click', async () => {
  const { eventId, locked } = map.basket;
  pay.disabled = true;
  try {
    const response = await fetch('pay', { method: 'POST', body: JSON.stringify({ eventId, seatIds: locked.map(({ seatId }) => seatId) }) });
    const answer = await response.json();
    say(response.ok ? `Thank you. Your reference is ${answer.reference}.` : answer.message);
    await map.refresh();
  } catch {
    say('The shop cannot be reached. Try again.');
  } finally {
    pay.disabled = false;
  }
});
