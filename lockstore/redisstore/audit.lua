-- Compares a part of the view with the seats' keys and, if asked to, makes it
-- right, with log entries that say so.
-- KEYS: view, log, seats. ARGV: place of the first seat, 1 to mend, nonce.
-- Answers {now, the part of the view as it was, values of the seats, their ends},
-- where an end is a record, FREE of a seat that nobody has.
local VIEW, LOG, START = KEYS[1], KEYS[2], tonumber(ARGV[1])
local seats = #KEYS - 2
local values = call('MGET', unpack(KEYS, 3))
local view = call('GETRANGE', VIEW, START, START + 13 * seats - 1)
local now = clock()

local ends, log = {}, {}
for s = 1, seats do
  local time = values[s] and call('PEXPIRETIME', KEYS[s + 2]) or 0
  ends[s] = time == -1 and record(BOOKED) or record(math.max(time, 0))
  local seen = tonumber(string.sub(view, 13 * s - 12, 13 * s)) or 0
  if seen <= now then seen = 0 end
  if record(seen) ~= ends[s] then
    log[ends[s]] = (log[ends[s]] or '') .. ' ' .. START + 13 * (s - 1)
  end
end
if ARGV[2] == '1' then
  for rec, places in pairs(log) do
    for place in string.gmatch(places, '%d+') do call('SETRANGE', VIEW, place, rec) end
    call('XADD', LOG, 'MAXLEN', '~', LOG_SIZE, '*', ARGV[3], rec .. places)
  end
end
return {now, view, values, ends}
