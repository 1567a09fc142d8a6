-- The number of the answer is 0. A call's further field is the user.
local USERS = field()

run(function(c, first, last)
  local user = ARGV[USERS + c] or ''
  local before, theirs = changes, {}
  for s = first, last do
    local time, its_user = taken(s), owner(s)
    if time < BLOCKED and its_user ~= '' and (user == '' or user == its_user) then
      if not declared(s, its_user) then return whose(first, last) end
      theirs[#theirs + 1] = s
    end
  end
  local failure = give_up(theirs)
  if failure then return failure end
  if #theirs > 0 then enter(c, user, theirs) end
  return succeed(0, last - first + 1, before)
end)
return finish('evict', '0', FREE_RECORD)
