-- For kinds that take seats.

-- Refuses a call since a seat is taken until then. The reason is that of the seat
-- which matters most.
local function in_the_way(refusal, number, time)
  refusal = refuse(refusal, 'seat_blocked', number, time)
  if time == BOOKED then
    refusal[1] = 'seat_booked'
  elseif time ~= BLOCKED and refusal[1] == 'seat_blocked' then
    refusal[1] = 'seat_locked'
  end
  return refusal
end
