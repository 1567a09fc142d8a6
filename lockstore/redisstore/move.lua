-- The number of the answer is 0. A call's further field is the user. The second half
-- of a call's seats are the new ones.
local USERS = field()

run(function(c, first, last)
  local ref, user = ARGV[REFS + c] or '', ARGV[USERS + c] or ''
  local n = (last - first + 1) / 2
  local before, refusal = changes, nil

  local function is_booking(s) return values[s + 1] and booked_as(values[s + 1], user, ref) end

  for s = first, first + n - 1 do
    if not is_booking(s) then refusal = refuse(refusal, 'not_booked', s - first, taken(s)) end
  end
  if refusal then
    if #refusal == 2 + 2 * n then -- not one of the seats is such a booking
      for s = first + n, last do
        if not is_booking(s) then return refusal end
      end
      return succeed(0, 2 * n, before)
    end
    return refusal
  end

  local old, new, vs = {}, {}, {}
  for k = 1, n do
    local s = first + k - 1
    local to, its_ref, its_user = s + n, booking(values[s + 1])
    local time = taken(to)
    if time > 0 and not (time < BLOCKED and locked_by(values[to + 1], its_user)) then
      refusal = in_the_way(refusal, to - first, time)
    end
    old[k], new[k], vs[k] = s, to, 'b' .. STAMP .. ':' .. its_ref .. ':' .. its_user
  end
  if refusal then return refusal end
  for _, s in ipairs(old) do
    if not (declared(s, owner(s)) and declared(s + n, owner(s))) then
      local answer = whose(first, last)
      for k = 1, n do answer[1 + n + k] = answer[1 + k] end -- who gets the new seats
      return answer
    end
  end

  local sets, ids = sets_of(old)
  if not sets then return ids end
  local failure = take(new, vs)
  if failure then return failure end
  for k, s in ipairs(new) do
    call('ZADD', KEYS[FIRST_USER + s], BOOKED_STAMP, sub(KEYS[s + 1], ID))
    call('PERSIST', KEYS[FIRST_USER + s])
  end
  for _, key in ipairs(sets) do call('ZREM', key, unpack(ids[key])) end
  for _, s in ipairs(old) do
    call('DEL', KEYS[s + 1])
    change(s, false)
    ends[changes] = '0'
  end
  for k, s in ipairs(new) do
    change(s, vs[k])
    ends[changes] = BOOKED_STAMP
  end
  local both = {}
  for s = first, last do both[#both + 1] = s end
  enter(c, user, both)
  return succeed(0, 2 * n, before)
end)
return finish_each('move')
