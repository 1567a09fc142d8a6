-- What every script begins with. A time is in milliseconds. In the view it is a
-- record of 6 bytes, the highest first, so that records compare as times do.
local KEYS, ARGV, call = KEYS, ARGV, redis.call
local BOOKED = 9999999999999
local BOOKED_RECORD, FREE_RECORD = string.rep('\255', 6), string.rep('\0', 6)
local LOG_SIZE = 10000

local function digits(time) return string.format('%013.0f', time) end

local function record(time)
  if time >= BOOKED then return BOOKED_RECORD end
  local bytes = {}
  for i = 6, 1, -1 do
    bytes[i] = string.char(time % 256)
    time = math.floor(time / 256)
  end
  return table.concat(bytes)
end

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Whether the event is that of this seat map. known is what its map key holds:
-- nothing before the first use, which fixes it and begins the log, so that there
-- is always an entry to be the Version. The key's end is so far off that it has
-- none; readers take the time from what is left until then.
local function opened(known, map, log, fingerprint, nonce)
  if known then return known == fingerprint end
  call('XADD', log, '*', nonce, '')
  call('SET', map, fingerprint, 'PXAT', BOOKED)
  return true
end
