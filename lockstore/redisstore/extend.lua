-- The number of the answer is the earliest end of the user's locks on the seats. A
-- call's further fields are the end that it asks for, and how long a lock may last.
local UNTILS, CAPS = field(), field()

run(function(c, first, last)
  local key = KEYS[FIRST_USER + c]
  local user, want, cap = sub(key, ID), tonumber(ARGV[UNTILS + c]), tonumber(ARGV[CAPS + c])
  local before, earliest, latest, refusal = changes, BOOKED, 0, nil
  local longer, times, members = {}, {}, {}
  for s = first, last do
    if holds(s, user) then
      local v = values[s + 1]
      local old = tonumber(sub(v, 16, 28))
      local time = math.max(old, math.min(want, (tonumber(sub(v, 2, 14)) or NOW) + cap))
      earliest, latest = math.min(earliest, time), math.max(latest, time)
      if time > old then
        local n = #longer + 1
        longer[n], times[n] = s, time
        members[2 * n - 1], members[2 * n] = digits(time), sub(KEYS[s + 1], ID)
      end
    else
      refusal = not_held(refusal, s, first, key)
    end
  end
  if refusal then return refusal end
  if #longer > 0 then
    local ok, reply = call_set('ZADD', key, unpack(members))
    if not ok then return reply end
    call('PEXPIREAT', key, digits(latest + LAPSE_MEMORY), 'GT')
    for k, s in ipairs(longer) do
      local stamp = members[2 * k - 1]
      local v = sub(values[s + 1], 1, 15) .. stamp .. ':' .. user
      call('SET', KEYS[s + 1], v, 'PXAT', stamp)
      change(s, v)
      ends[ARGV[PLACES + s]] = times[k]
    end
    if (ARGV[BYS + c] or '') ~= '' then enter(c, user, longer) end
  end
  return succeed(earliest, last - first + 1, before)
end)
return finish_each('extend')
