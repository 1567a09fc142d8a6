-- The number of the answer is the earliest end of the user's locks on the seats.
--
-- A user's sorted set has the seats that the user booked, has locked, or had
-- locked lately, by their ends. It ends when nothing in it matters any more.
local ENDS = NOW + ARGV[3]
local UNTIL, RECORD, FORGET = digits(ENDS), record(ENDS), digits(ENDS + LAPSE_MEMORY)
local LIMIT = tonumber(ARGV[4])
local VALUE = 'l' .. STAMP .. '-' .. UNTIL .. ':'
local LATER = '(' .. STAMP
local LAPSES = 256 -- that are remembered of a user

-- Most calls are of users who have nothing yet: one look finds that out for all.
local known = call('EXISTS', unpack(KEYS, FIRST_USER + 1, FIRST_USER + CALLS)) > 0

-- Sets the keys of the free seats, or none, and returns why.
local function set(free, v)
  for k, s in ipairs(free) do
    -- PXAT is PX with the end in place of the length: the key, its value, the
    -- view, the log and the answer have the same end, to the millisecond.
    if not call('SET', KEYS[s + 1], v, 'NX', 'PXAT', UNTIL) then
      for done = 1, k - 1 do call('DEL', KEYS[free[done] + 1]) end
      return {'error', KEYS[s + 1] .. ' is not a string; delete it'}
    end
  end
end

-- Removes the oldest of a user's expired locks, but at most so many, if there are
-- more than LAPSES beside the seats that the user has. Many may have expired at
-- once, and no call removes more than twice as many as it adds.
local function forget(key, has, most)
  local extra = call('ZCARD', key) - LAPSES - has
  if extra > 0 then call('ZREMRANGEBYRANK', key, '0', tostring(math.min(extra, most) - 1)) end
end

-- Adds the free seats, which are now locked, to the user's set, in which held
-- seats are booked or locked already.
local function add(free, key, held)
  local members = {}
  for k, s in ipairs(free) do
    members[2 * k - 1], members[2 * k] = UNTIL, sub(KEYS[s + 1], ID)
  end
  call('ZADD', key, unpack(members))
  if held > 0 then
    call('PEXPIREAT', key, FORGET, 'GT') -- a set with a booking has no end, and gets none
  else
    call('PEXPIREAT', key, FORGET)
  end
  if known then forget(key, held + #free, 2 * #free) end
end

local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local key = KEYS[FIRST_USER + c]
  local user = sub(key, ID)
  local first, before, free, earliest, refusal = last + 1, changes, {}, BOOKED, nil
  last = seats_of(c, first)
  for s = first, last do
    local v = values[s + 1]
    local time = v and taken_until(v, KEYS[s + 1], NOW) or 0
    if time == 0 then
      if v then call('DEL', KEYS[s + 1]) end -- the lock is over: SET NX must find nothing
      free[#free + 1] = s
    elseif time < BOOKED and locked_by(v, user) then
      earliest = math.min(earliest, time)
    else
      refusal = refuse(refusal, 'seat_locked', s - first, time)
      if time == BOOKED then refusal[1] = 'seat_booked' end
    end
  end
  if not refusal and #free > 0 then
    local held = known and call('ZCOUNT', key, LATER, '+inf') or 0
    local v = VALUE .. user
    if LIMIT > 0 and held + #free > LIMIT then
      refusal = {'seat_limit', held}
    else
      refusal = set(free, v)
    end
    if not refusal then
      for _, s in ipairs(free) do change(s, v) end
      show(before + 1, RECORD)
      add(free, key, held)
      known = true -- another call of the batch may be this user's
      earliest = math.min(earliest, ENDS)
    end
  end
  answers[c] = refusal or succeed(earliest, last - first + 1, before)
end
return finish(UNTIL)
