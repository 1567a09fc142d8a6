-- For scripts that read the value of a booking.

-- Returns the reference and the user of a booking, or nothing.
local function booking(v)
  if byte(v) ~= 98 or #v < 16 then return end
  local ref_end = find(v, ':', 16, true)
  if ref_end and ref_end < #v then return sub(v, 16, ref_end - 1), sub(v, ref_end + 1) end
end

-- Reports whether v is a booking of the user and with the reference, of which an
-- empty one matches any.
local function booked_as(v, user, ref)
  local its_ref, its_user = booking(v)
  return its_ref and (user == '' or user == its_user) and (ref == '' or ref == its_ref)
end
