local old_users = call('HMGET', USERS, unpack(ARGV, FIRST_USER + 1, FIRST_USER + CALLS))

local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local user = ARGV[FIRST_USER + c]
  local first, before, locked, refusal = last + 1, changes, 0, nil
  last = seats_of(c, first)
  local _, booked, locks = holding(users[user] or old_users[c])
  for s = first, last do
    local v = values[s + 1]
    if holds(s, v, user) then
      locked = locked + 1
    elseif not (v and booked_by(v, user)) then
      refusal = refuse(refusal, 'lock_expired', s - first, v and taken_until(KEYS[s + 1]) or 0)
      if not ran_out(locks, ARGV[s + 6]) then refusal[1] = 'lock_not_held' end
    end
  end
  if not refusal and locked > 0 then
    local v = 'B' .. STAMP .. user
    for s = first, last do
      if locked_by(values[s + 1], user) then
        call('SET', KEYS[s + 1], v) -- without its end
        booked, locks = booked + 1, without(locks, ARGV[s + 6])
        change(s, v, BOOKED_RECORD)
      end
    end
    note(user, booked .. locks)
  elseif not refusal and ARGV[5] == '1' then
    -- WAIT waits for what its connection wrote: without a write here it would
    -- not wait for the booking that an earlier call made.
    call('SET', KEYS[first + 1], values[first + 1])
  end
  answers[c] = refusal or succeed(0, last - first + 1, before)
end
return finish(BOOKED)
