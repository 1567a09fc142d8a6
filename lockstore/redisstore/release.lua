local old_users = call('HMGET', USERS, unpack(ARGV, FIRST_USER + 1, FIRST_USER + CALLS))

local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local user = ARGV[FIRST_USER + c]
  local first, before, locked, refusal = last + 1, changes, 0, nil
  last = seats_of(c, first)
  for s = first, last do
    local v = values[s + 1]
    if v and booked_by(v, user) then
      refusal = refuse(refusal, 'seat_booked', s - first, BOOKED)
    elseif holds(s, v, user) then
      locked = locked + 1
    else
      values[s + 1] = false
    end
  end
  if not refusal and locked > 0 then
    local _, booked, locks = holding(users[user] or old_users[c])
    for s = first, last do
      if values[s + 1] then
        call('DEL', KEYS[s + 1])
        locks = without(locks, ARGV[s + 6])
        change(s, false, FREE_RECORD)
      end
    end
    note(user, booked .. locks)
  end
  answers[c] = refusal or succeed(0, last - first + 1, before)
end
return finish(0)
