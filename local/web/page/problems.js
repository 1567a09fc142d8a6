// What a buyer reads when a call fails, by the code of the error.

import { Unreachable } from './api.js';

/** Returns what is wrong, in words for a buyer, and what to do where that is known. */
export function reason(words, error) {
  if (error instanceof Unreachable) return words.say('error.unreachable');
  const { code, status, name } = error;
  return words.has(`error.${code}`) ? words.say(`error.${code}`) : words.say('error', { code: code || String(status ?? name) });
}
