-- Gives a user's set the end that fits its latest member.
local function keep_set(key)
  local latest = call('ZRANGE', key, '-1', '-1', 'WITHSCORES')[2]
  if not latest then return end -- the set is empty, so it is gone
  local time = tonumber(latest)
  if time >= BOOKED then
    call('PERSIST', key)
  else
    call('PEXPIREAT', key, digits(time + LAPSE_MEMORY))
  end
end
