-- Rewrites seats of an event in format 1 for later formats.
-- KEYS: map, then for each seat its key and its user's. ARGV: text of the map key
-- while the event is migrated, then the id of each seat.
-- Returns the text of the map key if it is another, or 1. A seat that the user
-- does not have, or has in a later format, stays as it is.
--
-- The value of a seat's key is in format 1
--   L<made>:<user>    locked; the key's end counts
--   B<since>:<user>   booked
local known = call('GET', KEYS[1])
if known ~= ARGV[1] then return known end
local now = clock()
for i = 2, #KEYS, 2 do
  local seat, key, id = KEYS[i], KEYS[i + 1], ARGV[i / 2 + 1]
  local v, user = call('GET', seat), sub(key, #KEYS[1] + 3)
  if v and sub(v, 16) == user and find(v, '^[LB]%d+:') then
    local ends, made = taken_until(v, seat, now), sub(v, 2, 14)
    if ends == BOOKED then
      call('SET', seat, 'b' .. made .. '::' .. user)
    elseif ends > 0 then
      call('SET', seat, 'l' .. made .. '-' .. digits(ends) .. ':' .. user, 'PXAT', digits(ends))
    end
    if ends > 0 then
      call('ZADD', key, digits(ends), id)
      keep_set(key)
    end
  end
end
return 1
