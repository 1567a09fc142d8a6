-- Compares a part of the view with the seats' keys. If asked to, it writes to the
-- view what the keys say, with log entries.
-- KEYS: map, view, log, seats. ARGV: text of the map key, place of the first seat, 1 to
-- repair it, nonce.
-- Returns the text of the map key if it is another, '' for none, or {now, until when each seat is taken by the view, and by its key, the
-- values of the seats}, where 0 is available.
local VIEW, LOG, START = KEYS[2], KEYS[3], tonumber(ARGV[2])
local known = call('GET', KEYS[1])
if known ~= ARGV[1] then return known or '' end
local seats = #KEYS - 3
local values = call('MGET', unpack(KEYS, 4))
local view = call('GETRANGE', VIEW, START, START + 6 * seats - 1)
local now = clock()

-- Returns until when a record says that a seat is taken.
local function seen_until(rec)
  if rec == BOOKED_RECORD then return BOOKED end
  if rec == BLOCKED_RECORD then return BLOCKED end
  local time = 0
  for i = 1, #rec do time = time * 256 + byte(rec, i) end
  return time > now and time or 0
end

local seen, ends, log = {}, {}, {}
for s = 1, seats do
  ends[s] = values[s] and taken_until(values[s], KEYS[s + 3], now) or 0
  seen[s] = seen_until(sub(view, 6 * s - 5, 6 * s))
  if seen[s] ~= ends[s] then
    log[ends[s]] = (log[ends[s]] or '') .. ' ' .. START + 6 * (s - 1)
  end
end
if ARGV[3] == '1' then
  for time, places in pairs(log) do
    for place in string.gmatch(places, '%d+') do
      call('SETRANGE', VIEW, place, time == 0 and FREE_RECORD or record(time))
    end
    call('XADD', LOG, 'MAXLEN', '~', LOG_SIZE, '*', ARGV[4], digits(time) .. places)
  end
end
return {now, seen, ends, values}
