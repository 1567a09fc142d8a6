-- What every script begins with. A time is in milliseconds. In the view it is a
-- record of 6 bytes, the highest first, so that records compare as times do.
local KEYS, ARGV, call = KEYS, ARGV, redis.call
local BOOKED = 9999999999999
local BOOKED_RECORD, FREE_RECORD = string.rep('\255', 6), string.rep('\0', 6)
local LOG_SIZE = 10000

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

-- Whether the event is that of this seat map. known is what its map key holds:
-- nothing before the first use, which fixes it and begins the log, so that there
-- is always an entry to be the Version. The key's end is so far off that it has
-- none; readers take the time from what is left until then.
local function opened(known, map, log, fingerprint, nonce)
  if known then return known == fingerprint end
  call('XADD', log, '*', nonce, '')
  call('SET', map, fingerprint, 'PXAT', BOOKED)
  return true
end
-- Does what many callers ask for at the same time, one after the other, each
-- all or nothing. What they share, they share the cost of: the script itself,
-- a look at all the seats, the clock, the log entry.
--
-- A seat's place is where its record begins in the view.
--
-- KEYS: map, the seats of all calls, view, log, users, forget.
-- ARGV: fingerprint, nonce, lock time in ms, seat limit, 1 if what changes
-- nothing must write all the same, the number of calls; then the places of all
-- seats, the user of each call and, unless every call has one seat, the
-- number of seats of each call.
--
-- Answers 'other_seats', or a list: for each call its answer, then the clock. A
-- call that succeeded answers a number if it changed all of its seats, else
-- {number, place of a seat that it changed, …}. One that did not answers
-- {reason, held, number of a seat from 0, until when it is taken, …}, where 0 is
-- available, or {'error', text}.
local CALLS = tonumber(ARGV[6])
local SEATS = #KEYS - 5
local VIEW, LOG, USERS, FORGET = KEYS[SEATS + 2], KEYS[SEATS + 3], KEYS[SEATS + 4], KEYS[SEATS + 5]

-- Seat s has its key and its value at s + 1 and its place at s + 6, call c its
-- user at FIRST_USER + c and its number of seats, if there is one, at FIRST_COUNT + c.
local FIRST_USER, FIRST_COUNT = 6 + SEATS, 6 + SEATS + CALLS

local values = call('MGET', unpack(KEYS, 1, SEATS + 1))
if not opened(values[1], KEYS[1], LOG, ARGV[1], ARGV[2]) then return 'other_seats' end

local NOW = clock()
local STAMP = digits(NOW) .. ':'
local LAPSE_MEMORY = 600000

-- What the calls did, for those after them and to be written in the end: the
-- places that changed; by place, the value of a seat, or false; the users who
-- have got or lost something, and by user its text in USERS.
local changed, changes, left = {}, 0, {}
local names, users = {}, {}
local answers = {}

-- Brings the values of a call's seats up to what the calls before it left, and
-- returns the number of its last seat. first is that of its first.
local function seats_of(c, first)
  local last = first + (ARGV[FIRST_COUNT + c] or 1) - 1
  for s = first, last do
    local v = left[ARGV[s + 6]]
    if v ~= nil then values[s + 1] = v end
  end
  return last
end

-- The seat s is now v, and in the view rec.
local function change(s, v, rec)
  local place = ARGV[s + 6]
  left[place], changes = v, changes + 1
  changed[changes] = place
  call('SETRANGE', VIEW, place, rec)
end

-- Whose a seat's value is: 'L' or 'B', 13 digits, ':' and the user.
local function locked_by(v, user) return string.byte(v) == 76 and string.sub(v, 16) == user end
local function booked_by(v, user) return string.byte(v) == 66 and string.sub(v, 16) == user end

-- Until when a seat is taken, by its key: what never ends is booked, whoever
-- wrote it; 0 is available. A key outlives its end by up to a millisecond, in
-- which the lock is over, as it is for lists and for what its user has.
local function taken_until(key)
  local time = call('PEXPIRETIME', key)
  if time == -1 then return BOOKED end
  return time > NOW and time or 0
end

-- Whether the user has a lock on the seat s, whose value is v.
local function holds(s, v, user) return v and locked_by(v, user) and taken_until(KEYS[s + 1]) > 0 end

-- The answer to a call of so many seats that succeeded. before is the number of
-- changes before it.
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

-- What USERS has of a user: the number of seats booked, then " place:until"
-- of each lock that was not given back or booked, until it is to be forgotten.
-- Returns how many seats the user has, how many of them booked, as a text, and
-- the text of the locks without what is to be forgotten.
local function holding(text)
  if not text then return 0, '0', '' end
  local booked = string.match(text, '^%d+')
  local held = tonumber(booked)
  local locks = string.gsub(string.match(text, ' .*') or '', ' %d+:(%d+)', function(time)
    time = tonumber(time)
    if time > NOW then
      held = held + 1
    elseif NOW - time >= LAPSE_MEMORY then
      return ''
    end
  end)
  return held, booked, locks
end

-- The locks without those on a seat.
local function without(locks, place) return (string.gsub(locks, ' ' .. place .. ':%d+', '')) end

-- Whether the user's last lock on a seat that it does not have ran out lately.
local function ran_out(locks, place)
  local time = tonumber(string.match(locks, ' ' .. place .. ':(%d+)') or NOW + 1)
  return time <= NOW
end

-- What a user has is now text.
local function note(user, text)
  if not users[user] then names[#names + 1] = user end
  users[user] = text
end

-- finish writes down what changed, and that all of it is taken until then.
local function finish(until_)
  if changes > 0 then
    local set, n = {}, 0
    for i = 1, #names do
      local user = names[i]
      local text = users[user]
      if text == '0' then
        call('HDEL', USERS, user)
      else
        set[n + 1], set[n + 2] = user, text
        n = n + 2
      end
    end
    if n > 0 then call('HSET', USERS, unpack(set)) end
    call('XADD', LOG, 'MAXLEN', '~', LOG_SIZE, '*', ARGV[2], until_ .. ' ' .. table.concat(changed, ' '))
  end
  answers[CALLS + 1] = NOW
  return answers
end
-- The number of the answer is the earliest end of the user's locks on the seats.
local ENDS = NOW + ARGV[3]
local UNTIL, RECORD = digits(ENDS), record(ENDS)
local LIMIT = tonumber(ARGV[4])
local pcall_redis = redis.pcall

-- FORGET has an entry for each time that seats were locked: until when, and by
-- whom, with line ends between. Once that is to be forgotten, who has no other
-- locks and has booked nothing goes from USERS. Two entries go for one that
-- comes, so none is left behind.
local function forget(entry)
  if not entry or NOW - string.sub(entry, 1, 13) < LAPSE_MEMORY then return false end
  for user in string.gmatch(string.sub(entry, 15), '[^\n]+') do
    local _, booked, locks = holding(call('HGET', USERS, user))
    if booked == '0' and locks == '' then call('HDEL', USERS, user) end
  end
  call('LPOP', FORGET)
  return true
end

local oldest = call('LRANGE', FORGET, 0, 1)
if forget(oldest[1]) then forget(oldest[2]) end

-- Sets the keys of the free seats of a call, or none, and answers why.
local function set(first, last, v)
  for s = first, last do
    if not values[s + 1] then
      -- PXAT is PX with the end in place of the length: the seats of a call, the
      -- view, the log and the answer then have the same end, to the millisecond.
      -- GET has it answer with what is there, which is nothing.
      local there = pcall_redis('SET', KEYS[s + 1], v, 'NX', 'GET', 'PXAT', UNTIL)
      if there then
        -- Redis refuses writes: it does so at the first, and this is it.
        if not string.find(there.err, '^WRONGTYPE') then return error(there) end
        for done = first, s - 1 do
          if not values[done + 1] then call('DEL', KEYS[done + 1]) end
        end
        return {'error', KEYS[s + 1] .. ' is no string: delete it'}
      end
    end
  end
end

local old_users = call('HMGET', USERS, unpack(ARGV, FIRST_USER + 1, FIRST_USER + CALLS))

local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local user = ARGV[FIRST_USER + c]
  local first, before, free, earliest, refusal = last + 1, changes, 0, ENDS, nil
  last = seats_of(c, first)
  for s = first, last do
    local v = values[s + 1]
    local time = v and taken_until(KEYS[s + 1]) or 0
    if time == 0 then
      if v then call('DEL', KEYS[s + 1]) end -- it is over: SET NX must find nothing
      free, values[s + 1] = free + 1, false
    elseif time < BOOKED and locked_by(v, user) then
      if time < earliest then earliest = time end
    else
      refusal = refuse(refusal, 'seat_locked', s - first, time)
      if time == BOOKED then refusal[1] = 'seat_booked' end
    end
  end
  if not refusal and free > 0 then
    local held, booked, locks = holding(users[user] or old_users[c])
    local v = 'L' .. STAMP .. user
    if LIMIT > 0 and held + free > LIMIT then
      refusal = {'seat_limit', held}
    else
      refusal = set(first, last, v)
    end
    if not refusal then
      local known = locks ~= '' -- a lock on one of the seats may be among them, that ran out
      for s = first, last do
        if not values[s + 1] then
          local place = ARGV[s + 6]
          if known then locks = without(locks, place) end
          locks = locks .. ' ' .. place .. ':' .. UNTIL
          change(s, v, RECORD)
        end
      end
      note(user, booked .. locks)
    end
  end
  answers[c] = refusal or succeed(earliest, last - first + 1, before)
end
if #names > 0 then call('RPUSH', FORGET, UNTIL .. ' ' .. table.concat(names, '\n')) end
return finish(UNTIL)
