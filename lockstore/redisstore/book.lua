-- The number of the answer is 0. A call's further field is 1 if it takes blocked
-- seats too.
local TAKES_BLOCKED = field()

run(function(c, first, last)
  local key, ref, blocked = KEYS[FIRST_USER + c], ARGV[REFS + c] or '', ARGV[TAKES_BLOCKED + c] == '1'
  local user = sub(key, ID)
  local value = 'b' .. STAMP .. ':' .. ref .. ':' .. user
  local before, free, vs, refusal = changes, {}, {}, nil
  for s = first, last do
    local v, time = values[s + 1], taken(s)
    if time == 0 or time < BLOCKED and locked_by(v, user) or time == BLOCKED and blocked then
      free[#free + 1], vs[#vs + 1] = s, value
    elseif not booked_as(v, user, ref) then
      refusal = in_the_way(refusal, s - first, time)
    end
  end
  local size
  if not refusal and #free > 0 then
    local ok, reply = call_set('ZCARD', key)
    if not ok then return reply end
    size = reply
    refusal = take(free, vs)
  end
  if refusal then return refusal end
  if #free > 0 then
    count(key, free, size == 0)
    for _, s in ipairs(free) do change(s, value) end
    enter(c, user, free)
  end
  return succeed(0, last - first + 1, before)
end)
return finish('book', BOOKED_STAMP, BOOKED_RECORD)
