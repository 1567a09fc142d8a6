-- Opens the event and reads the clock.
-- KEYS: map, log. ARGV: fingerprint, nonce. Answers 'other_seats' or TIME.
if not opened(call('GET', KEYS[1]), KEYS[1], KEYS[2], ARGV[1], ARGV[2]) then return 'other_seats' end
if call('EXISTS', KEYS[2]) == 0 then call('XADD', KEYS[2], '*', ARGV[2], '') end -- somebody deleted the log
local _, time = clock()
return time
