// The sentences that a buyer reads when a call fails, by the code of the error.

import { Unreachable } from './api.js';

/** Returns a sentence for a buyer that says what is wrong and, if known, what to do. */
export function reason(words, error) {
  if (error instanceof Unreachable) return words.say('error.unreachable');
  const { code, status, name } = error;
  return words.has(`error.${code}`) ? words.say(`error.${code}`) : words.say('error', { code: code || String(status ?? name) });
}
