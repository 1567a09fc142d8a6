-- Replaces the layout of an event by one of a higher revision. The caller has
-- computed the new view from the seats' keys, and this script adds what the log says
-- of changes since.
-- KEYS: map, layout, view, log, then the blocked seats that the new layout lacks.
-- ARGV: the text that the map key must have; how the layout must begin; the last log entry
-- that the view has, id and nonce; 1 if no seat may have changed ever;
-- nonce; the new text of the map key, the new layout, the new view; for each old seat
-- its new place in 8 bytes, or spaces.
-- Returns 1, or if nothing was done, 0 if the caller must read the seats anew, or 2 if it
-- must read the log since that entry.
local MAP, LAYOUT, VIEW, LOG = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local AGAIN, BEHIND, MOST = 0, 2, 500 -- log entries, for which Redis needs about a millisecond

if call('GET', MAP) ~= ARGV[1] or call('GETRANGE', LAYOUT, '0', tostring(#ARGV[2] - 1)) ~= ARGV[2] then return AGAIN end
if ARGV[5] == '1' and call('EXISTS', VIEW) == 1 then return AGAIN end
local entries = call('XRANGE', LOG, ARGV[3], '+', 'COUNT', tostring(MOST + 2))
if #entries == 0 or entries[1][1] ~= ARGV[3] or entries[1][2][1] ~= ARGV[4] then return AGAIN end
if #entries > MOST + 1 then return BEHIND end

local now = clock()
local times, order = {}, {} -- until when a seat is taken, by its new place, and those places
for i = 2, #entries do
  for time, places in string.gmatch(entries[i][2][2], '(%d+)([ %d]*)') do
    time = tonumber(time)
    for place in string.gmatch(places, '%d+') do
      local at = tonumber(place) / 6 * 8
      local new = tonumber(sub(ARGV[10], at + 1, at + 8))
      if new then
        if not times[new] then order[#order + 1] = new end
        times[new] = time
      elseif time > now then
        return BEHIND -- the caller names the seat, or has it forgotten
      end
    end
  end
end

for i = 5, #KEYS do
  local v = call('GET', KEYS[i])
  if v and taken_until(v, KEYS[i], now) == BLOCKED then call('DEL', KEYS[i]) end
end
if ARGV[9] ~= '' or call('EXISTS', VIEW) == 1 then
  call('SET', VIEW, ARGV[9] ~= '' and ARGV[9] or FREE_RECORD)
end
for _, place in ipairs(order) do
  call('SETRANGE', VIEW, string.format('%.0f', place), record(times[place]))
end
call('SET', LAYOUT, ARGV[8])
call('XTRIM', LOG, 'MAXLEN', '0')
call('XADD', LOG, '*', ARGV[6], '')
call('SET', MAP, ARGV[7], 'PXAT', BOOKED_STAMP)
return 1
