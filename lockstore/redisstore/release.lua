-- The number of the answer is 0.
local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local key = KEYS[FIRST_USER + c]
  local user = sub(key, ID)
  local first, before, mine, refusal = last + 1, changes, {}, nil
  last = seats_of(c, first)
  for s = first, last do
    local v = values[s + 1]
    if v and booked_by(v, user) then
      refusal = refuse(refusal, 'seat_booked', s - first, BOOKED)
    elseif holds(s, user) then
      mine[#mine + 1] = s
    end
  end
  if not refusal and #mine > 0 then
    local members = {}
    for k, s in ipairs(mine) do members[k] = sub(KEYS[s + 1], ID) end
    local ok, reply = call_set('ZREM', key, unpack(members))
    if ok then
      for _, s in ipairs(mine) do
        call('DEL', KEYS[s + 1])
        change(s, false)
      end
    else
      refusal = reply
    end
  end
  answers[c] = refusal or succeed(0, last - first + 1, before)
end
return finish('0', FREE_RECORD)
