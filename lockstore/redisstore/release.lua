return each(function(user, set, key, arg, n)
  local held, refusal = {}, nil
  for i = 1, n do
    local v = value(key + i, ARGV[arg + i])
    if v and booked_by(v, user) then
      refusal = refuse(refusal, 'seat_booked', i - 1, BOOKED)
    elseif v and locked_by(v, user) then
      held[#held + 1] = i
    end
  end
  if refusal then return refusal end
  for _, i in ipairs(held) do
    local position = ARGV[arg + i]
    call('DEL', KEYS[key + i])
    call('ZREM', set, position)
    note(position, false, FREE)
  end
  return #held
end, FREE)
