-- What every script begins with. A time is in milliseconds. In the view it is a
-- record of 6 bytes, the highest first, so that records compare as times do.
-- Redis renders a Lua number slowly, so numbers go to it as strings.
local KEYS, ARGV, call, pcall = KEYS, ARGV, redis.call, redis.pcall
local byte, find, sub, type = string.byte, string.find, string.sub, type

-- Until when a booked or a blocked seat is taken.
local BOOKED, BOOKED_STAMP = 9999999999999, '9999999999999'
local BLOCKED, BLOCKED_STAMP = 9999999999998, '9999999999998'
local BOOKED_RECORD, BLOCKED_RECORD = '\255\255\255\255\255\255', '\255\255\255\255\255\254'
local FREE_RECORD = '\0\0\0\0\0\0'

local LOG_SIZE = '1000'
local LAPSE_MEMORY = 600000

local function digits(time) return string.format('%013.0f', time) end

local function record(time)
  if time >= BOOKED then return BOOKED_RECORD end
  if time == BLOCKED then return BLOCKED_RECORD end
  local high, low = math.floor(time / 16777216), time % 16777216
  return string.char(
    math.floor(high / 65536), math.floor(high / 256) % 256, high % 256,
    math.floor(low / 65536), math.floor(low / 256) % 256, low % 256)
end

local function clock()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The value of a seat's key is one of
--   l<made>-<until>:<user>   locked; the key ends at <until>
--   b<since>:<ref>:<user>    booked
--   x<since>:<reason>        blocked
-- where times have 13 digits. Whatever else it holds, it keeps the seat from
-- being sold until the key ends.

local function locked_by(v, user) return byte(v) == 108 and sub(v, 30) == user end

-- Returns until when a seat is taken whose key holds v, or 0 if it is available.
-- The value decides, not the key's end: the key lives on for a millisecond after
-- it, and for longer after a move to another server.
local function taken_until(v, key, now)
  local kind, time = byte(v), nil
  if kind == 108 then
    time = byte(v, 29) == 58 and tonumber(sub(v, 16, 28))
  elseif kind == 98 and find(v, '^b%d+:[^:]*:') then
    return BOOKED
  elseif kind == 120 and find(v, '^x%d+:') then
    return BLOCKED
  end
  if not time then
    time = call('PEXPIRETIME', key)
    if time == -1 then return BOOKED end
  end
  return time > now and time or 0
end
