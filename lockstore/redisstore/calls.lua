-- For all kinds but locks, which have no time for it.

-- Returns until when the seat s is taken, or 0 if it is available.
local function taken(s)
  local v = values[s + 1]
  return v and taken_until(v, KEYS[s + 1], NOW) or 0
end

-- Returns until when the user has a lock on the seat s, or nothing.
local function held_until(s, user)
  local v = values[s + 1]
  if v and locked_by(v, user) then
    local time = taken_until(v, KEYS[s + 1], NOW)
    return time > 0 and time
  end
end

-- Calls a command on a user's set, before the call changes anything else. Returns
-- true and the reply, or false and the answer to a call whose user's key is of
-- another type.
local function call_set(name, key, ...)
  local reply = pcall(name, key, ...)
  if type(reply) ~= 'table' or not reply.err then return true, reply end
  return false, not_a_set(key, reply)
end

-- Adds to the journal what the call has changed, on behalf of the user: those seats.
local function enter(c, user, seats)
  local entry = {user, ARGV[REFS + c] or '', ARGV[BYS + c] or ''}
  for k, s in ipairs(seats) do entry[3 + k] = sub(KEYS[s + 1], ID) end
  entries[#entries + 1] = table.concat(entry, '\t')
end

-- Carries out all calls.
local function run(carry_out)
  local last = 0 -- seat of the calls before
  for c = 1, CALLS do
    local first = last + 1
    last = seats_of(c, first)
    answers[c] = too_late(c) or carry_out(c, first, last)
  end
end
