-- Stores orders for many callers.
-- KEYS: due, leased, touched, then for each order its key and its event's. ARGV: nonce,
-- 1 if a Put that finds its order changed must write all the same, then for each order
-- its id, the revision that it must have, its event, when it is due or '-', and its new
-- value. Returns for each 'ok', 'changed', or 'event' if it has another.
--
-- An order is due by its score in one sorted set. While it is leased, it is in the
-- other one as <due>:<id>, by the end of the lease.
local DUE, LEASED = KEYS[1], KEYS[2]
local answers, changed = {}, false
for i = 4, #KEYS, 2 do
  local n = i / 2 - 1
  local id, expected, event, due, value = unpack(ARGV, 5 * n - 2, 5 * n + 2)
  local revision, its_due, its_event = string.match(call('GETRANGE', KEYS[i], '0', '199'), '^(%d+) (%S+) (%S+)\n')
  if (revision or '0') ~= expected then
    answers[n], changed = 'changed', true
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
-- WAIT waits for what its connection wrote. A write here makes it wait for the Put that
-- changed the order, too.
if changed and ARGV[2] == '1' then call('SET', KEYS[3], ARGV[1]) end
return answers
