-- Opens the event, or what of it somebody deleted, or takes it over from an older
-- version.
-- KEYS: map, layout, log. ARGV: text of the map key, the text that it may take the
-- place of, nonce, the layout. Returns the text of the map key if it is another, or 1.
local MAP, LAYOUT, LOG = KEYS[1], KEYS[2], KEYS[3]
local known = call('GET', MAP)
if known and known ~= ARGV[1] and known ~= ARGV[2] then return known end
local revision, fingerprint = string.match(call('GETRANGE', LAYOUT, '0', '99'), '^(%S+) (%x+)\n')
if known ~= ARGV[1] and fingerprint then
  local text = sub(ARGV[1], 1, #ARGV[1] - #fingerprint) .. fingerprint
  if text ~= ARGV[1] then -- the map key was deleted
    call('SET', MAP, text, 'PXAT', BOOKED_STAMP)
    return text
  end
end
-- The key's end is so far off that it never comes: lists compute the clock from the
-- time that is left.
call('SET', MAP, ARGV[1], 'PXAT', BOOKED_STAMP)
if not revision or tonumber(revision) < tonumber(string.match(ARGV[4], '^%S+')) then
  call('SET', LAYOUT, ARGV[4])
end
-- There is always a log entry to be the Version.
if call('XLEN', LOG) == 0 then call('XADD', LOG, '*', ARGV[3], '') end
return 1
