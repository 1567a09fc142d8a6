-- What every script begins with. A time is in milliseconds. In the view it is a
-- record of 6 bytes, the highest first, so that records compare as times do.
-- Redis renders a Lua number slowly, so numbers go to it as strings.
local KEYS, ARGV, call = KEYS, ARGV, redis.call
local byte, find, sub = string.byte, string.find, string.sub
local BOOKED, BOOKED_STAMP = 9999999999999, '9999999999999'
local BOOKED_RECORD, FREE_RECORD = string.rep('\255', 6), string.rep('\0', 6)
local LOG_SIZE = '1000'
local LAPSE_MEMORY = 600000

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

-- Reports whether the event is what the caller takes it for. known is what its
-- map key holds. The first use of an event writes the key and begins the log, so
-- that there is always an entry to be the Version. The key's end is so far off
-- that it never comes; lists compute the clock from the time that is left.
local function opened(known, map, log, text, nonce)
  if known then return known == text end
  call('XADD', log, '*', nonce, '')
  call('SET', map, text, 'PXAT', BOOKED_STAMP)
  return true
end

-- The value of a seat's key is one of
--   l<made>-<until>:<user>   locked; the key ends at <until>
--   b<since>:<ref>:<user>    booked
-- where times have 13 digits. Whatever else it holds, it keeps the seat from
-- being sold until the key ends.

local function locked_by(v, user) return byte(v) == 108 and sub(v, 30) == user end

local function booked_by(v, user)
  if byte(v) ~= 98 then return false end
  local ref_end = find(v, ':', 16, true)
  return ref_end and sub(v, ref_end + 1) == user
end

-- Returns until when a seat is taken whose key holds v, or 0 if it is available.
-- The value decides, not the key's end: the key lives on for a millisecond after
-- it, and for longer after a move to another server.
local function taken_until(v, key, now)
  local time
  if byte(v) == 108 then
    time = byte(v, 29) == 58 and tonumber(sub(v, 16, 28))
  elseif byte(v) == 98 and find(v, '^b%d+:[^:]*:') then
    return BOOKED
  end
  if not time then
    time = call('PEXPIRETIME', key)
    if time == -1 then return BOOKED end
  end
  return time > now and time or 0
end
