-- Leases orders that are due, the earliest first. order_put.lua describes the keys.
-- KEYS: due, leased. ARGV: nonce, how many, for how many ms. Returns the clock and the
-- orders' ids.
local DUE, LEASED = KEYS[1], KEYS[2]
local now = clock()
local over = call('ZRANGEBYSCORE', LEASED, '-inf', digits(now), 'LIMIT', '0', '1000')
if #over > 0 then
  local back = {}
  for i, member in ipairs(over) do back[2 * i - 1], back[2 * i] = string.match(member, '^(%d+):(.*)$') end
  call('ZADD', DUE, unpack(back))
  call('ZREM', LEASED, unpack(over))
end
local found = call('ZRANGEBYSCORE', DUE, '-inf', digits(now), 'WITHSCORES', 'LIMIT', '0', ARGV[2])
local answer, leased = {now}, {}
for i = 1, #found, 2 do
  answer[#answer + 1] = found[i]
  leased[i], leased[i + 1] = digits(now + ARGV[3]), digits(tonumber(found[i + 1])) .. ':' .. found[i]
end
if #leased > 0 then
  call('ZADD', LEASED, unpack(leased))
  call('ZREM', DUE, unpack(answer, 2))
end
return answer
