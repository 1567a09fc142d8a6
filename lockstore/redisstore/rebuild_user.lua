-- Writes anew what USERS has of a user, from the keys of all the seats that may
-- be the user's. What ran out is kept as it is.
-- KEYS: users, forget, seats. ARGV: user, places of the seats.
local USER = ARGV[1]
local now = clock()
local booked, locks, last = 0, '', 0
for s = 3, #KEYS do
  local v, place = call('GET', KEYS[s]), ARGV[s - 1]
  local time = v and string.sub(v, 16) == USER and call('PEXPIRETIME', KEYS[s])
  if time == -1 then
    booked = booked + 1
  elseif time and time > 0 then
    locks = locks .. ' ' .. place .. ':' .. digits(time)
    last = math.max(last, time)
  end
end
for place, time in string.gmatch(call('HGET', KEYS[1], USER) or '', ' (%d+):(%d+)') do
  if tonumber(time) <= now then locks = locks .. ' ' .. place .. ':' .. time end
end
if booked == 0 and locks == '' then
  call('HDEL', KEYS[1], USER)
else
  call('HSET', KEYS[1], USER, booked .. locks)
  call('RPUSH', KEYS[2], digits(math.max(last, now)) .. ' ' .. USER)
end
return 1
