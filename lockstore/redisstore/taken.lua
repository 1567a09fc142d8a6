-- Finds the seats that are taken.
-- KEYS: seats. Returns {now, number of a seat from 0, until when it is taken, …}.
local values = call('MGET', unpack(KEYS))
local now = clock()
local found = {now}
for s = 1, #KEYS do
  local time = values[s] and taken_until(values[s], KEYS[s], now) or 0
  if time > 0 then
    found[#found + 1] = s - 1
    found[#found + 1] = time
  end
end
return found
