-- Replaces the text of the map key if it is the expected one, '' for none.
-- KEYS: map. ARGV: the expected text, the new text. Returns what it was.
local found = call('GET', KEYS[1]) or ''
if found == ARGV[1] then call('SET', KEYS[1], ARGV[2], 'PXAT', BOOKED_STAMP) end
return found
