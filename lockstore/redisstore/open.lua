-- Opens the event, or what of it somebody deleted.
-- KEYS: map, log. ARGV: fingerprint, nonce. Answers 'other_seats' or 1.
local MAP, LOG = KEYS[1], KEYS[2]
if not opened(call('GET', MAP), MAP, LOG, ARGV[1], ARGV[2]) then return 'other_seats' end
if call('EXISTS', LOG) == 0 then call('XADD', LOG, '*', ARGV[2], '') end
call('PEXPIREAT', MAP, BOOKED)
return 1
