-- The number of the answer is 0. A call's further field is 1 if it ends locks first.
local ENDS_LOCKS = field()

run(function(c, first, last)
  local ends_locks = ARGV[ENDS_LOCKS + c] == '1'
  local value = 'x' .. STAMP .. ':' .. (ARGV[REFS + c] or '')
  local before, free, vs, evicted, refusal = changes, {}, {}, {}, nil
  for s = first, last do
    local time, user = taken(s), owner(s)
    if time < BLOCKED and user ~= '' and ends_locks then
      if not declared(s, user) then return whose(first, last) end
      evicted[#evicted + 1] = s
      time = 0
    end
    if time == 0 then
      free[#free + 1], vs[#vs + 1] = s, value
    elseif time ~= BLOCKED then
      refusal = in_the_way(refusal, s - first, time)
    end
  end
  if refusal then return refusal end
  local sets, ids = sets_of(evicted)
  if not sets then return ids end
  refusal = take(free, vs)
  if refusal then return refusal end
  uncount(sets, ids)
  if #free > 0 then
    for _, s in ipairs(free) do change(s, value) end
    enter(c, '', free)
  end
  return succeed(0, last - first + 1, before)
end)
return finish('block', BLOCKED_STAMP, BLOCKED_RECORD)
