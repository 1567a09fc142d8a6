-- The number of the answer is 0.
run(function(c, first, last)
  local key, ref = KEYS[FIRST_USER + c], ARGV[REFS + c] or ''
  local user = sub(key, ID)
  local before, mine, refusal = changes, {}, nil
  for s = first, last do
    local v = values[s + 1]
    if held_until(s, user) then
      mine[#mine + 1] = s
    elseif not (v and booked_as(v, user, ref)) then
      refusal = not_held(refusal, s, first, key)
    end
  end
  if refusal then return refusal end
  if #mine > 0 then
    local ok, reply = count(key, mine)
    if not ok then return reply end
    local v = 'b' .. STAMP .. ':' .. ref .. ':' .. user
    for _, s in ipairs(mine) do
      call('SET', KEYS[s + 1], v) -- without its end
      change(s, v)
    end
    enter(c, user, mine)
  end
  return succeed(0, last - first + 1, before)
end)
return finish('confirm', BOOKED_STAMP, BOOKED_RECORD)
