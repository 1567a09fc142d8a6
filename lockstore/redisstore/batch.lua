-- Does what many callers ask for at the same time, one after the other, each
-- all or nothing. What they share, they share the cost of: the script itself,
-- one look at all seats, the clock, the log entry.
--
-- KEYS: map, the seats of all calls, view, log, each call's user.
-- ARGV: fingerprint, nonce, lock time in ms, seat limit, whether a call that
-- changes nothing must write all the same, the number of calls; then for each
-- the user, the number of its seats, and their positions.
--
-- Answers 'other_seats', or a list: for each call a number if it succeeded, or
-- {reason, held, number of a seat from 0, until when it is taken, …}, where 0 is
-- available, or {'error', text}.
local CALLS = tonumber(ARGV[6])
local SEATS = #KEYS - 3 - CALLS
local VIEW, LOG = KEYS[SEATS + 2], KEYS[SEATS + 3]

local values = call('MGET', unpack(KEYS, 1, SEATS + 1))
if not opened(values[1], KEYS[1], LOG, ARGV[1], ARGV[2]) then return 'other_seats' end

local NOW = clock()
local STAMP = record(NOW) .. ':'

local left = {} -- by position: the value of a seat as an earlier call left it
local changed = {} -- positions, for the log

-- The value of a seat, by its key's number and its position.
local function value(key, position)
  local v = left[position]
  if v == nil then return values[key] end
  return v
end

local function owner(v) return string.sub(v, 16) end
local function locked_by(v, user) return string.byte(v) == 76 and owner(v) == user end
local function booked_by(v, user) return string.byte(v) == 66 and owner(v) == user end

-- Until when a seat is taken, by its key: what never ends is booked, whoever
-- wrote it; 0 is available.
local function taken_until(key)
  local t = call('PEXPIRETIME', key)
  if t == -1 then return BOOKED end
  return t > 0 and t or 0
end

local function refuse(refusal, reason, number, time)
  refusal = refusal or {reason, 0}
  refusal[#refusal + 1] = number
  refusal[#refusal + 1] = time
  return refusal
end

-- Puts down, everywhere but at its key, that a seat now has this value and this record.
local function note(position, v, rec)
  left[position] = v
  call('SETRANGE', VIEW, position * 13, rec)
  changed[#changed + 1] = position
end

-- each calls act(user, user key, key, arg, n) for every call: its seats are
-- KEYS[key + 1] to KEYS[key + n], their positions ARGV[arg + 1] to ARGV[arg + n].
-- What goes wrong in one is the answer of that one. rec is what the log says
-- of all that changed.
local function each(act, rec)
  local answers, key, arg = {}, 1, 6
  for c = 1, CALLS do
    local user, n = ARGV[arg + 1], tonumber(ARGV[arg + 2])
    arg = arg + 2
    local ok, answer = pcall(act, user, KEYS[SEATS + 3 + c], key, arg, n)
    if not ok then
      answer = {'error', type(answer) == 'table' and answer.err or tostring(answer)}
    end
    answers[c] = answer
    key, arg = key + n, arg + n
  end
  if #changed > 0 then
    call('XADD', LOG, 'MAXLEN', '~', LOG_SIZE, '*', ARGV[2], rec .. ' ' .. table.concat(changed, ' '))
  end
  return answers
end
