-- Finds the users who are counted with seats now.
-- KEYS: users. Returns for each of them {number of the key from 0, seat, …}.
local later = '(' .. digits(clock())
local found = {}
for i = 1, #KEYS do
  local seats = call('ZRANGEBYSCORE', KEYS[i], later, '+inf')
  if #seats > 0 then
    table.insert(seats, 1, i - 1)
    found[#found + 1] = seats
  end
end
return found
