-- Carries out the calls of many callers one after the other, each all or nothing.
-- They share the cost of the script, of a look at all seats, of the clock and of
-- the entries in log and journal.
--
-- A seat's place is where its record begins in the view.
--
-- KEYS: map, the seats of all calls, users, the journal unless the kind has none,
-- view, log. The users are one of each call, or for some kinds the owner of each
-- seat, as far as the caller knows it, or else the map.
--
-- ARGV: text of the map key, nonce, 1 if a call that changes nothing must write all
-- the same, number of calls, number of seats, lock time in ms, seat limit, 1 if several
-- calls name the same seat or user, for each field 1 if the calls have it; then the
-- places of all seats; then the fields, each for all calls: the number of seats (or 1
-- each), NotAfter, the reference, who asked, and what the kind needs. A missing time is ''.
--
-- Returns the text of the map key if it is another, '' for none, or a list: the
-- answer to each call, then the clock. A call that succeeded answers a number if it
-- changed all of its seats, else {number, place of a seat that it changed, …}. One
-- that failed answers {reason, held, number of a seat from 0, until when it is
-- taken, …}, where 0 is available, or {'too_late'}, or {'too_early'}, or
-- {'error', text} if it could not be carried out, or {'whose', owner of each seat}
-- if the keys have not the owners of all seats.
local CALLS, SEATS = tonumber(ARGV[4]), tonumber(ARGV[5])
local JOURNAL, VIEW, LOG = KEYS[#KEYS - 2], KEYS[#KEYS - 1], KEYS[#KEYS]

-- Seat s has its key and its value at s + 1 and its place at PLACES + s. Call c has its
-- user's key at FIRST_USER + c, or seat s has its owner's at FIRST_USER + s.
local FIRST_USER, PLACES = 1 + SEATS, 9

-- A call has its fields at COUNTS + c, AFTERS + c and so on. What the calls do not have
-- is nil there.
local fields, next_field = 0, PLACES + SEATS
local function field()
  fields = fields + 1
  if byte(ARGV[9], fields) ~= 49 then return #ARGV end
  local at = next_field
  next_field = at + CALLS
  return at
end
local COUNTS, AFTERS, REFS, BYS = field(), field(), field(), field()
local ID = #KEYS[1] + 3 -- where the id begins in the key of a seat or a user

local values = call('MGET', unpack(KEYS, 1, SEATS + 1))
if values[1] ~= ARGV[1] then return values[1] or '' end

local NOW = clock()
local STAMP = digits(NOW)

-- What the calls did so far: the places that changed, in order, and by place the
-- new value of a seat, or false; then entries of the journal, and whether a call that
-- succeeded changed nothing. The lists begin as long as they may become, since Lua
-- copies one that grows.
local changed, changes = {unpack(ARGV, PLACES + 1, PLACES + SEATS)}, 0
local left = ARGV[8] == '1' and {} or nil -- nil if no call can find what another one left
local answers, entries, repeated = {unpack(ARGV, 1, CALLS + 1)}, {}, false

-- Brings the values of a call's seats up to what the calls before it left, and
-- returns the number of its last seat. first is that of its first.
local function seats_of(c, first)
  local last = first + (ARGV[COUNTS + c] or 1) - 1
  if left and changes > 0 then
    for s = first, last do
      local v = left[ARGV[PLACES + s]]
      if v ~= nil then values[s + 1] = v end
    end
  end
  return last
end

-- Returns the answer to a call whose NotAfter has passed, or nothing.
local function too_late(c)
  local bound = ARGV[AFTERS + c]
  if bound and bound ~= '' and NOW >= tonumber(bound) then return {'too_late'} end
end

-- Records that the seat s now has the value v.
local function change(s, v)
  local place = ARGV[PLACES + s]
  changes = changes + 1
  changed[changes] = place
  if left then left[place] = v end
end

-- Writes the record to the view at the first n places, to neighbours at once.
local function show(places, n, rec)
  local start, length, place = places[1], 1, places[1] + 0
  for i = 2, n do
    local following = places[i] + 0 -- a number, which Lua compares sooner than a text
    if following == place + 6 then
      length = length + 1
    else
      call('SETRANGE', VIEW, start, length == 1 and rec or string.rep(rec, length))
      start, length = places[i], 1
    end
    place = following
  end
  call('SETRANGE', VIEW, start, length == 1 and rec or string.rep(rec, length))
end

-- Returns the answer to a call of so many seats that succeeded. before is the
-- number of changes before it.
local function succeed(value, seats, before)
  if changes - before == seats then return value end
  if changes == before then repeated = true end
  return {value, unpack(changed, before + 1, changes)}
end

local function refuse(refusal, reason, number, time)
  refusal = refusal or {reason, 0}
  refusal[#refusal + 1] = number
  refusal[#refusal + 1] = time
  return refusal
end

-- Returns the answer to a call for which a command on a user's set failed since the
-- key is of another type. The call must not have changed anything.
local function not_a_set(key, failure)
  if not find(failure.err, '^WRONGTYPE') then error(failure) end
  return {'error', key .. ' is not a sorted set; delete it'}
end

-- Writes the log entry of what changed, and the journal's, and returns the answers.
local function finish_as(kind, text)
  if changes > 0 then
    call('XADD', LOG, 'MAXLEN', '~', LOG_SIZE, '*', ARGV[2], text)
    if entries[1] then
      call('XADD', JOURNAL, '*', ARGV[2], kind .. ' ' .. STAMP .. '\n' .. table.concat(entries, '\n'))
    end
  elseif repeated and ARGV[3] == '1' then
    -- WAIT waits for what its connection wrote: without a write here it would
    -- not wait for what an earlier call did.
    call('SET', KEYS[1], ARGV[1], 'PXAT', BOOKED_STAMP)
  end
  answers[CALLS + 1] = NOW
  return answers
end

-- Writes what changed to view, log and journal: all of it is taken until then.
local function finish(kind, until_, rec)
  if changes == 0 then return finish_as(kind) end
  show(changed, changes, rec)
  return finish_as(kind, until_ .. ' ' .. table.concat(changed, ' ', 1, changes))
end
