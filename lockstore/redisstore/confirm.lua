-- The number of the answer is 0.

-- Reports whether the user's last lock on the seat s, which the user does not
-- have, expired lately.
local function expired(s, key)
  local time = tonumber(call('ZSCORE', key, sub(KEYS[s + 1], ID)) or nil)
  return time and time <= NOW and NOW - time < LAPSE_MEMORY
end

local last = 0 -- seat of the calls before
for c = 1, CALLS do
  local key = KEYS[FIRST_USER + c]
  local user = sub(key, ID)
  local first, before, mine, refusal = last + 1, changes, {}, nil
  last = seats_of(c, first)
  for s = first, last do
    local v = values[s + 1]
    if holds(s, user) then
      mine[#mine + 1] = s
    elseif not (v and booked_by(v, user)) then
      refusal = refuse(refusal, 'lock_expired', s - first, v and taken_until(v, KEYS[s + 1], NOW) or 0)
      if not expired(s, key) then refusal[1] = 'lock_not_held' end
    end
  end
  if not refusal and #mine > 0 then
    local members = {}
    for k, s in ipairs(mine) do
      members[2 * k - 1], members[2 * k] = BOOKED_STAMP, sub(KEYS[s + 1], ID)
    end
    local ok, reply = call_set('ZADD', key, unpack(members))
    if ok then
      call('PERSIST', key)
      local v = 'b' .. STAMP .. '::' .. user
      for _, s in ipairs(mine) do
        call('SET', KEYS[s + 1], v) -- without its end
        change(s, v)
      end
    else
      refusal = reply
    end
  elseif not refusal and ARGV[5] == '1' then
    -- WAIT waits for what its connection wrote: without a write here it would
    -- not wait for the booking that an earlier call made.
    call('SET', KEYS[first + 1], values[first + 1])
  end
  answers[c] = refusal or succeed(0, last - first + 1, before)
end
return finish(BOOKED_STAMP, BOOKED_RECORD)
