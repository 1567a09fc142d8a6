-- The number of the answer is the earliest end of the user's locks on the seats. A
-- call's further fields are the end that it asks for, and from which time on a lock must
-- have been made so that it may last until then. Times are texts of 13 digits, which
-- compare as numbers do: most need not be read or rendered.
local UNTILS, FROMS = field(), field()

-- Returns when the user's lock on the seat s was made, and its end, or nothing.
local function lock_of(s, user)
  local v = values[s + 1]
  if v and locked_by(v, user) and byte(v, 29) == 58 then
    local until_ = sub(v, 16, 28)
    if until_ > STAMP then return sub(v, 2, 14), until_ end
  end
end

-- Returns when the set of a user ends whose latest lock ends then. Calls that arrive
-- together often ask for the same end.
local known, forget
local function forgotten(until_)
  if until_ ~= known then known, forget = until_, digits(until_ + LAPSE_MEMORY) end
  return forget
end

run(function(c, first, last)
  local key, want, from = KEYS[FIRST_USER + c], ARGV[UNTILS + c], ARGV[FROMS + c]
  local user = sub(key, ID)
  local before, earliest, latest, refusal = changes, BOOKED_STAMP, STAMP, nil
  local longer, members, n = {}, {}, 0
  for s = first, last do
    local made, until_ = lock_of(s, user)
    if made then
      local new = want
      if made < from then new = digits((tonumber(made) or NOW) + want - from) end
      if new > until_ then
        n, until_ = n + 1, new
        longer[n], members[2 * n - 1], members[2 * n] = s, new, sub(KEYS[s + 1], ID)
        if new > latest then latest = new end
      end
      if until_ < earliest then earliest = until_ end
    else
      refusal = not_held(refusal, s, first, key)
    end
  end
  if refusal then return refusal end
  if n > 0 then
    local ok, reply = call_set('ZADD', key, unpack(members))
    if not ok then return reply end
    call('PEXPIREAT', key, forgotten(latest), 'GT')
    for k = 1, n do
      local s, until_ = longer[k], members[2 * k - 1]
      local v = sub(values[s + 1], 1, 15) .. until_ .. ':' .. user
      call('SET', KEYS[s + 1], v, 'PXAT', until_)
      change(s, v)
      ends[changes] = until_
    end
    if (ARGV[BYS + c] or '') ~= '' then enter(c, user, longer) end
  end
  return succeed(earliest + 0, last - first + 1, before)
end)
return finish_each('extend')
