-- The number of the answer is 0.
run(function(c, first, last)
  local key = KEYS[FIRST_USER + c]
  local user = sub(key, ID)
  local before, mine, refusal = changes, {}, nil
  for s = first, last do
    local v = values[s + 1]
    if v and booked_as(v, user, '') then
      refusal = refuse(refusal, 'seat_booked', s - first, BOOKED)
    elseif held_until(s, user) then
      mine[#mine + 1] = s
    end
  end
  if refusal then return refusal end
  if #mine > 0 then
    local members = {}
    for k, s in ipairs(mine) do members[k] = sub(KEYS[s + 1], ID) end
    local ok, reply = call_set('ZREM', key, unpack(members))
    if not ok then return reply end
    for _, s in ipairs(mine) do
      call('DEL', KEYS[s + 1])
      change(s, false)
    end
  end
  return succeed(0, last - first + 1, before)
end)
return finish('release', '0', FREE_RECORD)
