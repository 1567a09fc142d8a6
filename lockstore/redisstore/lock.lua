local ENDS = NOW + ARGV[3]
local UNTIL = record(ENDS)
local LIMIT = tonumber(ARGV[4])
local LAPSE_MEMORY = 600000

-- Answers the earliest end of the user's locks on the seats.
return each(function(user, set, key, arg, n)
  local fresh, earliest, refusal = {}, ENDS, nil
  for i = 1, n do
    local v = value(key + i, ARGV[arg + i])
    local time = v and taken_until(KEYS[key + i]) or 0
    if time == 0 then
      fresh[#fresh + 1] = i
    elseif time < BOOKED and locked_by(v, user) then
      earliest = math.min(earliest, time)
    else
      refusal = refuse(refusal, 'seat_locked', i - 1, time)
      if time == BOOKED then refusal[1] = 'seat_booked' end
    end
  end
  if refusal then return refusal end
  if #fresh == 0 then return earliest end
  local held = call('ZCOUNT', set, '(' .. NOW, '+inf')
  if LIMIT > 0 and held + #fresh > LIMIT then return {'seat_limit', held} end

  -- PXAT is PX with the end in place of the length: the seats of a call, the
  -- view, the log and the answer then have the same end, to the millisecond.
  local v = 'L' .. STAMP .. user
  for f, i in ipairs(fresh) do
    if not call('SET', KEYS[key + i], v, 'NX', 'PXAT', ENDS) then
      for before = 1, f - 1 do call('DEL', KEYS[key + fresh[before]]) end
      error(KEYS[key + i] .. ' exists and is no string')
    end
  end
  local members = {}
  for _, i in ipairs(fresh) do
    local position = ARGV[arg + i]
    note(position, v, UNTIL)
    members[#members + 1] = UNTIL
    members[#members + 1] = position
  end
  call('ZADD', set, unpack(members))
  if held == 0 then
    call('PEXPIREAT', set, ENDS + LAPSE_MEMORY)
  else -- never sooner than it would go already, and never with a booking in it
    call('PEXPIREAT', set, ENDS + LAPSE_MEMORY, 'GT')
  end
  return earliest
end, UNTIL)
