-- What every script begins with. A time is in milliseconds. In the view it is a
-- record of 6 bytes, the highest first, so that records compare as times do.
-- Redis renders a Lua number slowly, so numbers go to it as strings.
local KEYS, ARGV, call = KEYS, ARGV, redis.call
local byte, find, sub = string.byte, string.find, string.sub
local BOOKED, BOOKED_STAMP = 9999999999999, '9999999999999'
local BOOKED_RECORD, FREE_RECORD = string.rep('\255', 6), string.rep('\0', 6)
local LOG_SIZE = '1000'
local LAPSE_MEMORY = 600000

local function digits(time) return string.format('%013.0f', time) end

local function record(time)
  if time >= BOOKED then return BOOKED_RECORD end
  local bytes = {}
  for i = 6, 1, -1 do
    bytes[i] = string.char(time % 256)
    time = math.floor(time / 256)
  end
  return table.concat(bytes)
end

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Reports whether the event is what the caller takes it for. known is what its
-- map key holds. The first use of an event writes the key and begins the log, so
-- that there is always an entry to be the Version. The key's end is so far off
-- that it never comes; lists compute the clock from the time that is left.
local function opened(known, map, log, text, nonce)
  if known then return known == text end
  call('XADD', log, '*', nonce, '')
  call('SET', map, text, 'PXAT', BOOKED_STAMP)
  return true
end

-- The value of a seat's key is one of
--   l<made>-<until>:<user>   locked; the key ends at <until>
--   b<since>:<ref>:<user>    booked
-- where times have 13 digits. Whatever else it holds, it keeps the seat from
-- being sold until the key ends.

local function locked_by(v, user) return byte(v) == 108 and sub(v, 30) == user end

local function booked_by(v, user)
  if byte(v) ~= 98 then return false end
  local ref_end = find(v, ':', 16, true)
  return ref_end and sub(v, ref_end + 1) == user
end

-- Returns until when a seat is taken whose key holds v, or 0 if it is available.
-- The value decides, not the key's end: the key lives on for a millisecond after
-- it, and for longer after a move to another server.
local function taken_until(v, key, now)
  local time
  if byte(v) == 108 then
    time = byte(v, 29) == 58 and tonumber(sub(v, 16, 28))
  elseif byte(v) == 98 and find(v, '^b%d+:[^:]*:') then
    return BOOKED
  end
  if not time then
    time = call('PEXPIRETIME', key)
    if time == -1 then return BOOKED end
  end
  return time > now and time or 0
end
-- Carries out the calls of many callers one after the other, each all or nothing.
-- They share the cost of the script, of a look at all seats, of the clock and of
-- the log entry.
--
-- A seat's place is where its record begins in the view.
--
-- KEYS: map, the seats of all calls, the user of each call, view, log.
-- ARGV: text of the map key, nonce, lock time in ms, seat limit, 1 if a call that
-- changes nothing must write all the same, number of calls; then the places of all
-- seats and, unless every call has one seat, the number of seats of each call.
--
-- Returns the text of the map key if it is another, or a list: the answer to each
-- call, then the clock. A call that succeeded answers a number if it changed all
-- of its seats, else {number, place of a seat that it changed, …}. One that failed
-- answers {reason, held, number of a seat from 0, until when it is taken, …},
-- where 0 is available, or {'error', text} if it could not be carried out.
local CALLS = tonumber(ARGV[6])
local SEATS = #KEYS - CALLS - 3
local VIEW, LOG = KEYS[#KEYS - 1], KEYS[#KEYS]

-- Seat s has its key and its value at s + 1 and its place at s + 6. Call c has its
-- user's key at FIRST_USER + c and its number of seats at FIRST_COUNT + c.
local FIRST_USER, FIRST_COUNT = 1 + SEATS, 6 + SEATS
local ID = #KEYS[1] + 3 -- where the id begins in the key of a seat or a user

local values = call('MGET', unpack(KEYS, 1, SEATS + 1))
if not opened(values[1], KEYS[1], LOG, ARGV[1], ARGV[2]) then return values[1] end

local NOW = clock()
local STAMP = digits(NOW)

-- What the calls did so far: the places that changed, in order, and by place the
-- new value of a seat, or false.
local changed, changes, left = {}, 0, {}
local answers = {}

-- Brings the values of a call's seats up to what the calls before it left, and
-- returns the number of its last seat. first is that of its first.
local function seats_of(c, first)
  local last = first + (ARGV[FIRST_COUNT + c] or 1) - 1
  if changes > 0 then
    for s = first, last do
      local v = left[ARGV[s + 6]]
      if v ~= nil then values[s + 1] = v end
    end
  end
  return last
end

-- Records that the seat s now has the value v.
local function change(s, v)
  local place = ARGV[s + 6]
  left[place], changes = v, changes + 1
  changed[changes] = place
end

-- Writes the record to the view at the places that changed, to neighbours at once.
local function show(rec)
  local start, n = changed[1], 1
  for i = 2, changes + 1 do
    if i <= changes and changed[i] - changed[i - 1] == 6 then
      n = n + 1
    else
      call('SETRANGE', VIEW, start, n == 1 and rec or string.rep(rec, n))
      start, n = changed[i], 1
    end
  end
end

-- Reports whether the user has a lock on the seat s.
local function holds(s, user)
  local v = values[s + 1]
  return v and locked_by(v, user) and taken_until(v, KEYS[s + 1], NOW) > 0
end

-- Returns the answer to a call of so many seats that succeeded. before is the
-- number of changes before it.
local function succeed(value, seats, before)
  if changes - before == seats then return value end
  return {value, unpack(changed, before + 1, changes)}
end

local function refuse(refusal, reason, number, time)
  refusal = refusal or {reason, 0}
  refusal[#refusal + 1] = number
  refusal[#refusal + 1] = time
  return refusal
end

-- Calls a command on a user's set, before the call changes anything else. Returns
-- true and the reply, or false and the answer to a call whose user's key is of
-- another type.
local function call_set(name, key, ...)
  local reply = redis.pcall(name, key, ...)
  if type(reply) ~= 'table' or not reply.err then return true, reply end
  if not find(reply.err, '^WRONGTYPE') then error(reply) end
  return false, {'error', key .. ' is not a sorted set; delete it'}
end

-- Writes what changed to the view and the log: all of it is taken until then.
local function finish(until_, rec)
  if changes > 0 then
    show(rec)
    call('XADD', LOG, 'MAXLEN', '~', LOG_SIZE, '*', ARGV[2], until_ .. ' ' .. table.concat(changed, ' '))
  end
  answers[CALLS + 1] = NOW
  return answers
end
-- The number of the answer is the earliest end of the user's locks on the seats.
--
-- A user's sorted set has the seats that the user booked, has locked, or had
-- locked lately, by their ends. It ends when nothing in it matters any more.
local ENDS = NOW + ARGV[3]
local UNTIL, RECORD, FORGET = digits(ENDS), record(ENDS), digits(ENDS + LAPSE_MEMORY)
local LIMIT = tonumber(ARGV[4])
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
  local first, before, earliest, refusal = last + 1, changes, BOOKED, nil
  last, n = seats_of(c, first), 0
  for s = first, last do
    local v = values[s + 1]
    local time = v and taken_until(v, KEYS[s + 1], NOW) or 0
    if time == 0 then
      if v then call('DEL', KEYS[s + 1]) end -- the lock is over: SET NX must find nothing
      n = n + 1
      free[n] = s
    elseif time < BOOKED and locked_by(v, user) then
      earliest = math.min(earliest, time)
    else
      refusal = refuse(refusal, 'seat_locked', s - first, time)
      if time == BOOKED then refusal[1] = 'seat_booked' end
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
return finish(UNTIL, RECORD)
