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
