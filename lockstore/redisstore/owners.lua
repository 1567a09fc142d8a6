-- For kinds that may change seats of users whom the call does not name. The keys have
-- the owner of each seat, as the caller knew it when it sent the call.

-- Returns the user who has the seat s by its value, or ''.
local function owner(s)
  local v = values[s + 1]
  if not v or taken(s) == 0 then return '' end
  if byte(v) == 108 then return byte(v, 29) == 58 and sub(v, 30) or '' end
  local _, user = booking(v)
  return user or ''
end

-- Reports whether the keys have the user as the owner of the seat s.
local function declared(s, user) return sub(KEYS[FIRST_USER + s], ID) == user end

-- Returns the answer to a call of which the keys have not all owners.
local function whose(first, last)
  local answer = {'whose'}
  for s = first, last do answer[#answer + 1] = owner(s) end
  return answer
end

-- Returns the sets of the seats' owners, and by set its size and the seats' ids, or
-- nothing and the answer to the call.
local function sets_of(seats)
  local sets, ids = {}, {}
  for _, s in ipairs(seats) do
    local key = KEYS[FIRST_USER + s]
    if not ids[key] then
      local ok, reply = call_set('ZCARD', key)
      if not ok then return nil, reply end
      sets[#sets + 1], ids[key] = key, {size = reply}
    end
    local list = ids[key]
    list[#list + 1] = sub(KEYS[s + 1], ID)
  end
  return sets, ids
end

-- Takes the seats off the sets.
local function uncount(sets, ids)
  for _, key in ipairs(sets) do
    local removed = call('ZREM', key, unpack(ids[key]))
    if removed < ids[key].size then keep_set(key) end -- else there is none any more
  end
end

-- Makes the seats available and takes them off their owners' sets, or does nothing and
-- returns the answer to the call.
local function give_up(seats)
  if #seats == 0 then return end
  local sets, ids = sets_of(seats)
  if not sets then return ids end
  uncount(sets, ids)
  for _, s in ipairs(seats) do
    call('DEL', KEYS[s + 1])
    change(s, false)
  end
end
