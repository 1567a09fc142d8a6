-- For kinds that take seats for good.

-- Counts the user, whose key it is, with the seats as booked. A set that is new has no
-- end. Returns true, or false and the answer to the call.
local function count(key, seats, is_new)
  local members = {}
  for k, s in ipairs(seats) do
    members[2 * k - 1], members[2 * k] = BOOKED_STAMP, sub(KEYS[s + 1], ID)
  end
  local ok, reply = call_set('ZADD', key, unpack(members))
  if ok and not is_new then call('PERSIST', key) end
  return ok, reply
end

-- Gives each of the seats its value of vs, without an end, or none, and then returns
-- the answer to the call.
local function take(seats, vs)
  for k, s in ipairs(seats) do
    local key = KEYS[s + 1]
    if not values[s + 1] and not call('SET', key, vs[k], 'NX') then
      for done = 1, k - 1 do
        if not values[seats[done] + 1] then call('DEL', KEYS[seats[done] + 1]) end
      end
      return {'error', key .. ' is not a string; delete it'}
    end
  end
  for k, s in ipairs(seats) do
    if values[s + 1] then call('SET', KEYS[s + 1], vs[k]) end
  end
end
