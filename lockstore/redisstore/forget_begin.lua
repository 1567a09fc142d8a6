-- Takes an event out of use, for good.
-- KEYS: map. ARGV: the text that the map key has while the event is forgotten, and how
-- every such text begins. Returns the text that it has now.
local known = call('GET', KEYS[1])
if known and sub(known, 1, #ARGV[2]) == ARGV[2] then return known end
call('SET', KEYS[1], ARGV[1], 'PXAT', BOOKED_STAMP)
return ARGV[1]
