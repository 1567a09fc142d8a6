-- The number of the answer is 0.
run(function(c, first, last)
  local before = changes
  for s = first, last do
    if taken(s) == BLOCKED then
      call('DEL', KEYS[s + 1])
      change(s, false)
    end
  end
  if changes > before then enter(c, '', before) end
  return succeed(0, last - first + 1, before)
end)
return finish('unblock', '0', FREE_RECORD)
