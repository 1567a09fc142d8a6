-- The number of the answer is the earliest end of the user's locks on the seats.
--
-- A user's sorted set has the seats that the user booked, has locked, or had
-- locked lately, by their ends. It ends when nothing in it matters any more.
local ENDS = NOW + ARGV[6]
local UNTIL, FORGET = digits(ENDS), digits(ENDS + LAPSE_MEMORY)
local LIMIT = tonumber(ARGV[7])
local VALUE = 'l' .. STAMP .. '-' .. UNTIL .. ':'
local LATER = '(' .. STAMP

-- Most calls are of users who have nothing yet: one look finds that out for all.
local known = call('EXISTS', unpack(KEYS, FIRST_USER + 1, FIRST_USER + CALLS)) > 0

-- The numbers of the n free seats of a call. One table serves all calls.
local free, n = {}, 0

-- Returns how many seats the user has, whose key it is, or nothing and the answer to
-- the call.
local function held_by(key)
  local held = pcall('ZCOUNT', key, LATER, '+inf')
  if type(held) == 'number' then return held end
  return nil, not_a_set(key, held)
end

-- LAPSES is how many expired locks of a user are remembered. Some batches remove
-- the oldest ones beyond that: twice as many as are added, on average, since many
-- may have expired at once.
local LAPSES, SOME = 256, 8
local trims = known and byte(ARGV[2], -1) % SOME == 0

-- Gives back the free seats before the one at k, whose key is of another type, and
-- returns the answer to the call.
local function undo(k)
  for done = 1, k - 1 do call('DEL', KEYS[free[done] + 1]) end
  return {'error', KEYS[free[k] + 1] .. ' is not a string; delete it'}
end

-- Records that the free seats now have the value v, and returns them as members of
-- the user's set.
local function locked(v)
  local members = {}
  for k = 1, n do
    local s = free[k]
    change(s, v)
    members[2 * k - 1], members[2 * k] = UNTIL, sub(KEYS[s + 1], ID)
  end
  return members
end

-- Removes some of the oldest expired locks from the set of a user, who has so many seats.
local function trim(key, held)
  local extra = call('ZCARD', key) - LAPSES - held
  if extra > 0 then call('ZREMRANGEBYRANK', key, '0', tostring(math.min(extra, 2 * SOME * n) - 1)) end
end

-- Whether each call is of one seat, which no other call names, and has no bound.
local plain = COUNTS == #ARGV and AFTERS == #ARGV and not left

local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local key = KEYS[FIRST_USER + c]
  local first, earliest, refusal = last + 1, BOOKED, nil
  if plain then last = first else last, refusal = seats_of(c, first), too_late(c) end
  n = 0
  for s = first, refusal and 0 or last do
    local v = values[s + 1]
    local time = v and taken_until(v, KEYS[s + 1], NOW) or 0
    if time == 0 then
      if v then call('DEL', KEYS[s + 1]) end -- the lock is over: SET NX must find nothing
      n = n + 1
      free[n] = s
    elseif time < BLOCKED and locked_by(v, sub(key, ID)) then
      earliest = math.min(earliest, time)
    else
      refusal = in_the_way(refusal, s - first, time)
    end
  end

  local held = 0
  if known and n > 0 and not refusal then held, refusal = held_by(key) end
  if n == 0 or refusal then
    answers[c] = refusal or succeed(earliest, last - first + 1, changes)
  elseif LIMIT > 0 and held + n > LIMIT then
    answers[c] = {'seat_limit', held}
  else
    local v = VALUE .. sub(key, ID)
    for k = 1, n do
      -- PXAT is PX with the end in place of the length: the key, its value, the
      -- view, the log and the answer have the same end, to the millisecond.
      if not call('SET', KEYS[free[k] + 1], v, 'NX', 'PXAT', UNTIL) then
        refusal = undo(k)
        break
      end
    end
    if refusal then
      answers[c] = refusal
    else
      local before = changes
      if n == 1 then
        local s = free[1]
        change(s, v)
        call('ZADD', key, UNTIL, sub(KEYS[s + 1], ID))
      else
        call('ZADD', key, unpack(locked(v)))
      end
      if held == 0 then
        call('PEXPIREAT', key, FORGET)
      else
        call('PEXPIREAT', key, FORGET, 'GT') -- a set with a booking has no end, and gets none
      end
      if trims then trim(key, held + n) end
      if left then known = true end -- a later call may be this user's
      local seats = last - first + 1
      answers[c] = n == seats and ENDS or succeed(math.min(earliest, ENDS), seats, before)
    end
  end
end
return finish('lock', UNTIL, record(ENDS))
