-- What every script begins with. A time is in milliseconds, a record 13 digits
-- of it: until when a seat is taken.
local call = redis.call
local BOOKED, FREE = 9999999999999, '0000000000000'
local LOG_SIZE = 10000

local function record(time) return string.format('%013.0f', time) end

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000), t
end

-- Whether the event is that of this seat map. known is what its map key holds:
-- nothing before the first use, which fixes it and begins the log, so that there
-- is always an entry to be the Version.
local function opened(known, map, log, fingerprint, nonce)
  if known then return known == fingerprint end
  call('XADD', log, '*', nonce, '')
  call('SET', map, fingerprint)
  return true
end
