-- Deletes keys of an event that is being forgotten.
-- KEYS: map, the keys. ARGV: text of the map key. Returns the text of the map key if it
-- is another, '' for none, or 1.
local known = call('GET', KEYS[1]) or ''
if known ~= ARGV[1] then return known end
call('UNLINK', unpack(KEYS, 2))
return 1
