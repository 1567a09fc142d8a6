local TOUCH = ARGV[5] == '1'
local LAPSE_MEMORY = 600000

return each(function(user, set, key, arg, n)
  local fresh, refusal = {}, nil
  for i = 1, n do
    local v = value(key + i, ARGV[arg + i])
    if v and locked_by(v, user) then
      fresh[#fresh + 1] = i
    elseif not (v and booked_by(v, user)) then
      refusal = refuse(refusal, 'lock_expired', i - 1, v and taken_until(KEYS[key + i]) or 0)
      local ended = tonumber(call('ZSCORE', set, ARGV[arg + i]) or nil)
      if not (ended and ended <= NOW and NOW - ended < LAPSE_MEMORY) then refusal[1] = 'lock_not_held' end
    end
  end
  if refusal then return refusal end
  if #fresh == 0 then
    -- WAIT waits for what its connection wrote: without a write here it would
    -- not wait for the booking that an earlier call made.
    if TOUCH then call('SET', KEYS[key + 1], value(key + 1, ARGV[arg + 1])) end
    return 1
  end

  local v, members = 'B' .. STAMP .. user, {}
  for _, i in ipairs(fresh) do
    local position = ARGV[arg + i]
    call('SET', KEYS[key + i], v) -- without its end
    note(position, v, BOOKED)
    members[#members + 1] = BOOKED
    members[#members + 1] = position
  end
  call('ZADD', set, unpack(members))
  call('PERSIST', set)
  return 1
end, BOOKED)
