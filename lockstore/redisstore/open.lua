-- Opens the event, or what of it somebody deleted.
-- KEYS: map, log. ARGV: text of the map key, nonce. Returns the text of the map
-- key if it is another, or 1.
local MAP, LOG = KEYS[1], KEYS[2]
local known = call('GET', MAP)
if not opened(known, MAP, LOG, ARGV[1], ARGV[2]) then return known end
if call('XLEN', LOG) == 0 then call('XADD', LOG, '*', ARGV[2], '') end
call('PEXPIREAT', MAP, BOOKED_STAMP)
return 1
