-- The number of the answer is 0. A call's further fields are the user and NotBefore.
local USERS, NOT_BEFORE = field(), field()

run(function(c, first, last)
  local ref, user, bound = ARGV[REFS + c] or '', ARGV[USERS + c] or '', ARGV[NOT_BEFORE + c] or ''
  if bound ~= '' and NOW < tonumber(bound) then return {'too_early'} end
  local before, mine = changes, {}
  for s = first, last do
    local v = values[s + 1]
    if v and booked_as(v, user, ref) then
      if not declared(s, owner(s)) then return whose(first, last) end
      mine[#mine + 1] = s
    end
  end
  local failure = give_up(mine)
  if failure then return failure end
  if #mine > 0 then enter(c, user, mine) end
  return succeed(0, last - first + 1, before)
end)
return finish('cancel', '0', FREE_RECORD)
