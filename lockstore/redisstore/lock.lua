-- The number of the answer is the earliest end of the user's locks on the seats.
--
-- A user's sorted set has the seats that the user booked, has locked, or had
-- locked lately, by their ends. It ends when nothing in it matters any more.
local ENDS = NOW + ARGV[6]
local UNTIL, RECORD, FORGET = digits(ENDS), record(ENDS), digits(ENDS + LAPSE_MEMORY)
local LIMIT = tonumber(ARGV[7])
local VALUE = 'l' .. STAMP .. '-' .. UNTIL .. ':'
local LATER = '(' .. STAMP

-- Most calls are of users who have nothing yet: one look finds that out for all.
local known = call('EXISTS', unpack(KEYS, FIRST_USER + 1, FIRST_USER + CALLS)) > 0

-- The numbers of the n free seats of a call. One table serves all calls.
local free, n = {}, 0

-- Sets the keys of the free seats, or none, and returns why.
local function set(v)
  for k = 1, n do
    -- PXAT is PX with the end in place of the length: the key, its value, the
    -- view, the log and the answer have the same end, to the millisecond.
    local key = KEYS[free[k] + 1]
    if not call('SET', key, v, 'NX', 'PXAT', UNTIL) then
      for done = 1, k - 1 do call('DEL', KEYS[free[done] + 1]) end
      return {'error', key .. ' is not a string; delete it'}
    end
  end
end

-- LAPSES is how many expired locks of a user are remembered. Some batches remove
-- the oldest ones beyond that: twice as many as are added, on average, since many
-- may have expired at once.
local LAPSES, SOME = 256, 4
local trims = byte(ARGV[2], -1) % SOME == 0

-- Adds the free seats, which are now locked, to the user's set, in which held
-- seats are booked or locked already.
local function add(key, held)
  if n == 1 then
    call('ZADD', key, UNTIL, sub(KEYS[free[1] + 1], ID))
  else
    local members = {}
    for k = 1, n do
      members[2 * k - 1], members[2 * k] = UNTIL, sub(KEYS[free[k] + 1], ID)
    end
    call('ZADD', key, unpack(members))
  end
  if held > 0 then
    call('PEXPIREAT', key, FORGET, 'GT') -- a set with a booking has no end, and gets none
  else
    call('PEXPIREAT', key, FORGET)
  end
  if known and trims then
    local extra = call('ZCARD', key) - LAPSES - held - n
    if extra > 0 then call('ZREMRANGEBYRANK', key, '0', tostring(math.min(extra, 2 * SOME * n) - 1)) end
  end
end

local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local key = KEYS[FIRST_USER + c]
  local user = sub(key, ID)
  local first, before, earliest, refusal = last + 1, changes, BOOKED, too_late(c)
  last, n = seats_of(c, first), 0
  for s = first, refusal and 0 or last do
    local v = values[s + 1]
    local time = v and taken_until(v, KEYS[s + 1], NOW) or 0
    if time == 0 then
      if v then call('DEL', KEYS[s + 1]) end -- the lock is over: SET NX must find nothing
      n = n + 1
      free[n] = s
    elseif time < BLOCKED and locked_by(v, user) then
      earliest = math.min(earliest, time)
    else
      refusal = in_the_way(refusal, s - first, time)
    end
  end
  if not refusal and n > 0 then
    local ok, held = true, 0
    if known then ok, held = call_set('ZCOUNT', key, LATER, '+inf') end
    local v = VALUE .. user
    if not ok then
      refusal = held
    elseif LIMIT > 0 and held + n > LIMIT then
      refusal = {'seat_limit', held}
    else
      refusal = set(v)
    end
    if not refusal then
      for k = 1, n do change(free[k], v) end
      add(key, held)
      known = true -- another call of the batch may be this user's
      earliest = math.min(earliest, ENDS)
    end
  end
  answers[c] = refusal or succeed(earliest, last - first + 1, before)
end
return finish('lock', UNTIL, RECORD)
