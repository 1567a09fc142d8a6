-- For kinds that need a live lock of the user.

-- Reports whether the user's last lock on the seat s, which the user does not
-- have, expired lately.
local function expired(s, key)
  local time = tonumber(call('ZSCORE', key, sub(KEYS[s + 1], ID)) or nil)
  return time and time <= NOW and NOW - time < LAPSE_MEMORY
end

-- Refuses a call since the user, whose key it is, has no lock on the seat s.
local function not_held(refusal, s, first, key)
  local v = values[s + 1]
  refusal = refuse(refusal, 'lock_expired', s - first, taken(s))
  if v and booked_as(v, sub(key, ID), '') then
    refusal[1] = 'seat_booked'
  elseif refusal[1] == 'lock_expired' and not expired(s, key) then
    refusal[1] = 'lock_not_held'
  end
  return refusal
end
