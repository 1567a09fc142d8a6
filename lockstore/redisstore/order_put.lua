-- Stores orders for many callers.
-- KEYS: due, leased, then for each order its key and its event's. ARGV: nonce, then for
-- each order its id, the revision that it must have, its event, when it is due or '-',
-- and its new value. Returns for each 'ok', 'changed', or 'event' if it has another.
--
-- An order is due by its score in one sorted set. While it is leased, it is in the
-- other one as <due>:<id>, by the end of the lease.
local DUE, LEASED = KEYS[1], KEYS[2]
local answers = {}
for i = 3, #KEYS, 2 do
  local n = (i - 1) / 2
  local id, expected, event, due, value = unpack(ARGV, 5 * n - 3, 5 * n + 1)
  local revision, its_due, its_event = string.match(call('GETRANGE', KEYS[i], '0', '199'), '^(%d+) (%S+) (%S+)\n')
  if (revision or '0') ~= expected then
    answers[n] = 'changed'
  elseif revision and its_event ~= event then
    answers[n] = 'event'
  else
    call('SET', KEYS[i], value)
    if not revision then call('ZADD', KEYS[i + 1], '0', id) end
    if revision and its_due ~= '-' then call('ZREM', LEASED, its_due .. ':' .. id) end
    if due ~= '-' then
      call('ZADD', DUE, due, id)
    elseif revision and its_due ~= '-' then
      call('ZREM', DUE, id)
    end
    answers[n] = 'ok'
  end
end
return answers
