-- The number of the answer is 0.
run(function(c, first, last)
  local before, blocked = changes, {}
  for s = first, last do
    if taken(s) == BLOCKED then
      call('DEL', KEYS[s + 1])
      change(s, false)
      blocked[#blocked + 1] = s
    end
  end
  if #blocked > 0 then enter(c, '', blocked) end
  return succeed(0, last - first + 1, before)
end)
return finish('unblock', '0', FREE_RECORD)
