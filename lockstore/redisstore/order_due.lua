-- Leases orders that are due, the earliest first. order_put.lua describes the keys.
-- KEYS: due, leased. ARGV: nonce, how many, for how many ms, what the keys of orders
-- begin with, how many bytes. Returns the id and the value of each order that it leased.
--
-- Which orders are due is known only here, so their keys are not among KEYS. They are
-- in the same slot.
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
local answer, ids, leased, size, most = {}, {}, {}, 0, tonumber(ARGV[5])
for i = 1, #found, 2 do
  if size >= most then break end
  local id, value = found[i], call('GET', ARGV[4] .. found[i])
  ids[#ids + 1] = id
  leased[i], leased[i + 1] = digits(now + ARGV[3]), digits(tonumber(found[i + 1])) .. ':' .. id
  if value then
    size = size + #value
    answer[#answer + 1] = id
    answer[#answer + 1] = value
  end
end
if #ids > 0 then
  call('ZADD', LEASED, unpack(leased))
  call('ZREM', DUE, unpack(ids))
end
return answer
