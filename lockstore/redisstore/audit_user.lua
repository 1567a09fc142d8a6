-- Compares what a user's set says of a seat with the seat's key. If asked to, it
-- writes to the set what the key says.
-- KEYS: user, seat. ARGV: the ids of both, 1 to repair it.
-- Returns {now, until when the user has the seat by the set, and by the key},
-- where 0 is not at all.
local USER, SEAT = KEYS[1], KEYS[2]
local now = clock()
local v = call('GET', SEAT)
local mine = v and (locked_by(v, ARGV[1]) or booked_as(v, ARGV[1], ''))
local ends = mine and taken_until(v, SEAT, now) or 0
local counted = tonumber(call('ZSCORE', USER, ARGV[2]) or 0)
if counted <= now then counted = 0 end
if ARGV[3] == '1' and counted ~= ends then
  if ends == 0 then
    call('ZREM', USER, ARGV[2])
  else
    call('ZADD', USER, digits(ends), ARGV[2])
  end
  keep_set(USER)
end
return {now, counted, ends}
