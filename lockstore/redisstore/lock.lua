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
