-- The number of the answer is the earliest end of the user's locks on the seats. A
-- call's further fields are the end that it asks for, and how long a lock may last.
local UNTILS, CAPS = field(), field()

-- Returns the texts of an end and of LAPSE_MEMORY after it. Calls that arrive together
-- often ask for the same end, and texts of numbers are slow to make.
local known, stamp, forget
local function texts(time)
  if time ~= known then known, stamp, forget = time, digits(time), digits(time + LAPSE_MEMORY) end
  return stamp, forget
end

run(function(c, first, last)
  local key = KEYS[FIRST_USER + c]
  local user, want, cap = sub(key, ID), ARGV[UNTILS + c] + 0, ARGV[CAPS + c] + 0
  local before, earliest, latest, refusal = changes, BOOKED, 0, nil
  local longer, members, n = {}, {}, 0
  for s = first, last do
    local time = held_until(s, user)
    if time then
      local bound = (tonumber(sub(values[s + 1], 2, 14)) or NOW) + cap
      local new = want < bound and want or bound
      if new > time then
        time, n = new, n + 1
        longer[n], members[2 * n - 1], members[2 * n] = s, texts(new), sub(KEYS[s + 1], ID)
        if new > latest then latest = new end
      end
      if time < earliest then earliest = time end
    else
      refusal = not_held(refusal, s, first, key)
    end
  end
  if refusal then return refusal end
  if n > 0 then
    local ok, reply = call_set('ZADD', key, unpack(members))
    if not ok then return reply end
    local _, forgotten = texts(latest)
    call('PEXPIREAT', key, forgotten, 'GT')
    for k = 1, n do
      local s, until_ = longer[k], members[2 * k - 1]
      local v = sub(values[s + 1], 1, 15) .. until_ .. ':' .. user
      call('SET', KEYS[s + 1], v, 'PXAT', until_)
      change(s, v)
      ends[changes] = until_
    end
    if (ARGV[BYS + c] or '') ~= '' then enter(c, user, longer) end
  end
  return succeed(earliest, last - first + 1, before)
end)
return finish_each('extend')
